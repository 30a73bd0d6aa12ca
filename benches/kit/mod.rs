//! What the parts measure with.

pub(crate) use self::client::{Client, ENCODINGS};
pub(crate) use self::cloud::Cloud;
pub(crate) use self::estate::{
    Estate, NEVER_AGAIN, account_name, begin_exporter, start_exporter, start_peer,
};
pub(crate) use self::findings::Findings;
pub(crate) use self::process::{Process, wait_until};
pub(crate) use self::programs::program;
pub(crate) use self::scale::Scale;
pub(crate) use self::servers::Bytes;
pub(crate) use self::statistics::{median, megabytes, milliseconds, percentile};

// Who is measured, and what with.
mod client;
mod cloud;
mod estate;
mod process;
mod programs;
mod servers;

// How much, and what comes of it.
mod findings;
mod scale;
mod statistics;
