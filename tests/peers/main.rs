//! Third-party programs use the simulated cloud and the exporter: Tencent Cloud's Python SDKs, and
//! a browser.

#[path = "../support/mod.rs"]
mod support;

mod browser;
mod python_sdk;
mod storage_sdk;
