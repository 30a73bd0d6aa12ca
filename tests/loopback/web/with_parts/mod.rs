//! Tests that need what `make parts` installs: Prometheus and promtool.

mod files;
mod prometheus;
