//! Tests that need Prometheus and promtool, which `make parts` installs.

mod files;
mod prometheus;
