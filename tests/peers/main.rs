//! What programs of others make of ours: Tencent Cloud's Python SDK, and a browser.

#[path = "../support/mod.rs"]
mod support;

mod browser;
mod python_sdk;
mod storage_sdk;
