//! Others who serve the bytes that an exporter serves, without having to make them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::client::Client;
use super::estate::{Exporter, free_address};
use super::process::{Process, program, wait_until};

/// One exposition, plain and compressed, in files.
pub(crate) struct Bytes {
    folder: TempDir,
}

impl Bytes {
    /// Scrapes them.
    pub(crate) fn of(exporter: &Exporter) -> Self {
        let folder = TempDir::new().expect("there is room for a folder");
        for (name, gzip) in [("plain", false), ("gzip", true)] {
            let body = exporter.scraper(gzip).fetch().expect("the exporter serves");
            fs::write(folder.path().join(name), body).expect("there is room for a file");
        }
        Self { folder }
    }

    /// How many there are.
    pub(crate) fn length(&self, gzip: bool) -> u64 {
        let file = self.file(if gzip { "gzip" } else { "plain" });
        fs::metadata(file).expect("it was written").len()
    }

    /// A bare hyper server that has them in memory.
    pub(crate) fn bare(&self) -> (Process, String) {
        let files = ["plain", "gzip"].map(|name| self.file(name).display().to_string());
        Process::in_role("bare", &files)
    }

    /// nginx, which has them as static files; none where it is not installed.
    pub(crate) fn nginx(&self) -> Option<(Process, String)> {
        let program = program("nginx")?;
        let address = free_address();
        let folder = self.folder.path();
        fs::write(folder.join("nginx.conf"), nginx_conf(&address)).expect("there is room");
        let mut command = Command::new(program);
        command
            .arg("-p")
            .arg(folder)
            .args(["-c", "nginx.conf", "-e", "nginx.log"]);
        let process = Process::start(command.stderr(Stdio::null()));
        wait_until("nginx serves", || {
            Client::new(&address, "/gzip", true).fetch().is_ok()
        });
        Some((process, address))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// One process, which is all that one connection can use, and no log.
fn nginx_conf(address: &str) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {kind};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid nginx.pid;\nevents {{}}\n\
         http {{\n{temporary}access_log off;\nsendfile on;\ntcp_nopush on;\nkeepalive_requests 1000000;\n\
         default_type \"text/plain; version=0.0.4; charset=utf-8\";\n\
         server {{\nlisten {address};\nroot .;\n\
         location = /gzip {{ add_header Content-Encoding gzip; }}\n}}\n}}\n"
    )
}
