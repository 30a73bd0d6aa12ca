//! Servers of prepared bytes, to compare the exporter with.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::client::{Client, ENCODINGS};
use super::installation::free_address;
use super::process::{Process, wait_until};
use super::programs::program;

/// One exposition, in a file for each encoding.
pub(crate) struct Bytes(TempDir);

impl Bytes {
    /// Scrapes them.
    pub(crate) fn of(exporter: &Process) -> Self {
        let folder = TempDir::new().expect("there is room for a folder");
        for encoding in ENCODINGS {
            let body = Client::new(&exporter.address, "/metrics", encoding).fetch();
            let body = body.expect("the exporter serves");
            fs::write(folder.path().join(encoding), body).expect("there is room for a file");
        }
        Self(folder)
    }

    /// Returns the number of bytes.
    pub(crate) fn length(&self, encoding: &str) -> u64 {
        let file = self.0.path().join(encoding);
        fs::metadata(file).expect("it was written").len()
    }

    /// Returns how many bytes `gzip -6` makes of the plain ones.
    pub(crate) fn length_as_one_member(&self) -> usize {
        let gzip = program("gzip").expect("gzip is a part of every system");
        let said = Command::new(gzip)
            .args(["-6", "--stdout"])
            .arg(self.0.path().join("identity"))
            .output();
        said.expect("gzip runs").stdout.len()
    }

    /// Starts a bare hyper server that has the bytes in memory.
    pub(crate) fn bare(&self) -> Process {
        let files = ENCODINGS.map(|name| self.0.path().join(name).display().to_string());
        Process::in_role("bare", &files)
    }

    /// Starts nginx with static files. Returns `None` if it is not installed.
    pub(crate) fn nginx(&self) -> Option<Process> {
        let mut command = Command::new(program("nginx")?);
        let (address, folder) = (free_address(), self.0.path());
        fs::write(folder.join("nginx.conf"), nginx_conf(&address)).expect("there is room");
        command.arg("-p").arg(folder);
        command.args(["-c", "nginx.conf", "-e", "nginx.log"]);
        let nginx = Process::start(command.stderr(Stdio::null()), address);
        wait_until("nginx serves", || {
            let mut client = Client::new(&nginx.address, "/gzip", "gzip");
            client.fetch().is_ok()
        });
        Some(nginx)
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
