//! Test of a device behind a real ssh server, which the test starts on this machine.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mnas_latency::agent::{AgentError, AgentRuntime};
use mnas_latency::pipe::{CommandLine, PipeError};
use mnas_latency::{Device, ProfileEvent, Runtime, RuntimeKind, StopReason};
use support::{AGENT, Bed, hurried, keys, networks};

const SERVERS: [&str; 3] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];

/// Lock held while a server starts, since tests run in parallel.
static STARTING: Mutex<()> = Mutex::new(());

/// ssh server with its own keys and settings, which accepts one key and has `mnas-agent` on its PATH.
struct Server {
    folder: tempfile::TempDir,
    child: Child,
    port: u16,
}

impl Server {
    /// Starts a server; prints a message and returns `None` if none is installed or it does not start.
    fn start() -> Option<Self> {
        let skip = |why: &str| {
            eprintln!("SKIPPED: the test over ssh needs an ssh server and client ({why}); install openssh-server");
        };
        let Some(program) = SERVERS.iter().map(Path::new).find(|path| path.is_file()) else {
            skip("there is no sshd");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        for name in ["host_key", "user_key"] {
            let mut command = Command::new("ssh-keygen");
            command
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(folder.path().join(name));
            if !command.status().is_ok_and(|status| status.success()) {
                skip("ssh-keygen does not run");
                return None;
            }
        }
        // A server run by root needs this empty folder.
        let _ = fs::create_dir("/run/sshd");
        // The system may assign the same port again until a server listens on it.
        let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::write_settings(folder.path(), port);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(folder.path().join("sshd_config"))
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { folder, child, port };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if server.child.try_wait().unwrap().is_some() || started.elapsed() > Duration::from_secs(20) {
                skip(&fs::read_to_string(server.folder.path().join("log")).unwrap());
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }

    fn write_settings(folder: &Path, port: u16) {
        let path = |name: &str| folder.join(name).display().to_string();
        let programs = Path::new(AGENT).parent().unwrap().display();
        let mut server = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nSetEnv PATH={programs}:/usr/bin:/bin",
            path("host_key"),
            path("user_key.pub"),
        );
        if let Some(library) = library() {
            server.push_str(" ORT_DYLIB_PATH=");
            server.push_str(&library.to_string_lossy());
        }
        fs::write(folder.join("sshd_config"), server + "\n").unwrap();
        let client = format!(
            "Host *\n IdentityFile {}\n IdentitiesOnly yes\n UserKnownHostsFile {}\n StrictHostKeyChecking accept-new\n",
            path("user_key"),
            path("known_hosts"),
        );
        fs::write(folder.join("ssh_config"), client).unwrap();
    }

    /// Device of the address `ssh:127.0.0.1:port`, with the client settings for this server.
    fn device(&self, runtime: RuntimeKind) -> Device {
        let mut device = Device::open(&format!("ssh:127.0.0.1:{}", self.port)).unwrap();
        device.runtime = runtime;
        let agent = device.agent.as_mut().unwrap();
        agent.timeout = Duration::from_secs(30);
        let settings = self.folder.path().join("ssh_config").display().to_string();
        let mut words = agent.command.words().to_vec();
        words.splice(1..1, ["-F".to_owned(), settings]);
        agent.command = CommandLine::new(words).unwrap();
        device
    }

    /// Cuts all connections by killing the processes that serve them.
    fn cut_connections(&self) {
        let mut doomed = vec![self.child.id()];
        let output = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let pairs: Vec<(u32, u32)> = text
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace().map(str::parse);
                Some((words.next()?.ok()?, words.next()?.ok()?))
            })
            .collect();
        let mut at = 0;
        while at < doomed.len() {
            let parent = doomed[at];
            doomed.extend(pairs.iter().filter(|pair| pair.1 == parent).map(|pair| pair.0));
            at += 1;
        }
        assert!(doomed.len() > 1, "there is no connection");
        let ids = doomed[1..].iter().map(u32::to_string);
        assert!(Command::new("kill").arg("-9").args(ids).status().is_ok());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn library() -> Option<PathBuf> {
    std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from)
}

#[test]
fn a_device_behind_ssh_is_profiled_through_a_lost_connection() {
    let Some(server) = Server::start() else { return };
    let bed = Bed::new();
    let mut runtime = AgentRuntime::connect(&server.device(RuntimeKind::Fake), hurried()).unwrap();
    let mut cuts = 0;
    let report = bed
        .profile(&mut runtime, &mut |event| {
            if matches!(event, ProfileEvent::Block { done: 2 | 4, .. }) {
                server.cut_connections();
                cuts += 1;
            }
        })
        .unwrap();
    assert_eq!(cuts, 2);
    assert_eq!((report.stop, report.layers), (StopReason::Complete, keys().len()));
    assert_eq!(bed.rows(), (keys().len(), networks().len()));
}

#[test]
fn onnx_runtime_measures_behind_ssh() {
    if library().is_none() {
        let missing = "the test of ONNX Runtime over ssh needs ORT_DYLIB_PATH, the path of its library";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{missing}");
        eprintln!("SKIPPED: {missing}");
        return;
    }
    let Some(server) = Server::start() else { return };
    let mut runtime = AgentRuntime::connect(&server.device(RuntimeKind::OnnxRuntime), hurried()).unwrap();
    assert_eq!(runtime.name(), "onnxruntime");
    let bed = Bed::new();
    let report = bed.profile(&mut runtime, &mut |_| ()).unwrap();
    assert_eq!(
        (report.stop, report.layers, report.networks),
        (StopReason::Complete, keys().len(), networks().len())
    );
}

#[test]
fn a_server_that_lets_nobody_in_is_named() {
    let Some(server) = Server::start() else { return };
    let mut device = server.device(RuntimeKind::Fake);
    fs::write(server.folder.path().join("user_key.pub"), "").unwrap();
    let error = AgentRuntime::connect(&device, hurried()).err().unwrap();
    assert!(matches!(error, AgentError::Pipe(PipeError::Ended { .. })), "{error}");
    assert!(error.to_string().contains("Permission denied"), "{error}");
    drop(server);
    let agent = device.agent.as_mut().unwrap();
    let words = agent.command.words().iter();
    let words = words.filter(|word| !word.contains("ssh_config") && *word != "-F");
    agent.command = CommandLine::new(words).unwrap();
    let error = AgentRuntime::connect(&device, hurried()).err().unwrap().to_string();
    assert!(error.contains("Connection refused"), "{error}");
}
