//! The API and the page as judges of others see them.

mod browser;
mod openapi;
