//! The functions' processes: found by the mark that the stack gives to everything that it starts,
//! and killed.
//!
//! Read from `/proc` (Linux, `proc(5)`).

use std::net::SocketAddr;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// A process of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pid: i32,
    /// The function's name, as AWS has it.
    pub(crate) name: String,
}

impl Function {
    /// Kills it; whether it was still there.
    pub(crate) fn kill(&self) -> bool {
        Pid::from_raw(self.pid).is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
    }

    /// Whether it holds one end of a connection, by the number of its socket.
    fn holds(&self, socket: &str) -> bool {
        let Ok(files) = std::fs::read_dir(format!("/proc/{}/fd", self.pid)) else { return false };
        let wanted = format!("socket:[{socket}]");
        files
            .flatten()
            .any(|file| std::fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == &*wanted))
    }
}

/// Every process of a function of the stack with this mark (`NAME=value` of its environment).
pub(crate) fn functions(mark: &str) -> Vec<Function> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|process| {
            let pid: i32 = process.file_name().to_str()?.parse().ok()?;
            function(pid, &process.path(), mark)
        })
        .collect()
}

fn function(pid: i32, process: &Path, mark: &str) -> Option<Function> {
    let environment = std::fs::read(process.join("environ")).ok()?;
    let mut variables = environment.split(|byte| *byte == 0);
    variables.clone().find(|variable| *variable == mark.as_bytes())?;
    let name =
        variables.find_map(|variable| variable.strip_prefix(b"AWS_LAMBDA_FUNCTION_NAME="))?;
    Some(Function { pid, name: String::from_utf8_lossy(name).into_owned() })
}

/// The function at the other end of a connection, if it is one.
pub(crate) fn behind(mark: &str, theirs: SocketAddr, ours: SocketAddr) -> Option<Function> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let socket = socket(&table, theirs, ours)?;
    functions(mark).into_iter().find(|function| function.holds(&socket))
}

/// The number of the socket whose ends are these.
fn socket(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<String> {
    let port = |end: &str| u16::from_str_radix(end.rsplit(':').next()?, 16).ok();
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (from, to) = (fields.next()?, fields.next()?);
        let is_it = port(from)? == local.port() && port(to)? == remote.port();
        is_it.then(|| fields.nth(6).map(str::to_owned)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_found_by_its_two_ends() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:129B 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:D2F0 0100007F:129B 01 00000000:00000000 00:00000000 00000000     0        0 222 1
";
        let end = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(socket(table, end(0xd2f0), end(0x129b)).as_deref(), Some("222"));
        assert_eq!(socket(table, end(0x129b), end(0xd2f0)).as_deref(), Some("111"));
        assert_eq!(socket(table, end(1), end(0x129b)), None);
    }
}
