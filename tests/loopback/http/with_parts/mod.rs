//! Checks the API and the page with tools of other projects.

mod browser;
mod openapi;
