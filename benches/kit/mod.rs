//! The tools that the parts measure with.

pub(crate) use self::client::{Client, ENCODINGS, scrapes, scrapes_for};
pub(crate) use self::cloud::Cloud;
pub(crate) use self::estate::{
    Detail, Estate, NEVER_AGAIN, account_name, begin_exporter, start_exporter, start_peer,
    wait_until_polled,
};
pub(crate) use self::exposition::Exposition;
pub(crate) use self::findings::Findings;
pub(crate) use self::installation::Installation;
pub(crate) use self::process::{Process, wait_until};
pub(crate) use self::programs::program;
pub(crate) use self::scale::Scale;
pub(crate) use self::servers::Bytes;
pub(crate) use self::statistics::{median, megabytes, milliseconds, percentile};

// The measured processes.
mod client;
mod cloud;
mod estate;
mod exposition;
mod installation;
mod process;
mod programs;
mod servers;

// Scale and results.
mod findings;
mod scale;
mod statistics;
