//! Tests of valid and invalid device files and addresses.

use std::time::Duration;

use super::Device;
use crate::machine::Processor;

#[test]
fn built_in_devices_are_named_as_they_are_found() {
    for name in Device::built_in_names() {
        assert_eq!(Device::open(name).unwrap().name, name);
    }
    let error = Device::open("toaster").unwrap_err().to_string();
    assert!(error.contains("toaster") && error.contains("host-2t"), "{error}");
    assert_eq!(Device::open("host-2t").unwrap().threads, 2);
    assert_eq!(Device::open("cuda").unwrap().processor, Processor::Cuda);
}

#[test]
fn faults_are_named_with_their_line() {
    let fault = |text: &str| Device::parse(text, "my.toml").unwrap_err().to_string();
    let fake = |more: &str| fault(&format!("name = \"x\"\nruntime = \"fake\"\n{more}\n"));
    let of_runtime = |runtime: &str, more: &str| fault(&format!("name = \"x\"\nruntime = \"{runtime}\"\n{more}\n"));
    for (error, texts) in [
        (
            fake("thread = 2"),
            ["my.toml, line 3: unknown field `thread`", "processor (cpu or cuda)"],
        ),
        (fault("name = \"x\"\nruntime = \"onnx\"\n"), ["line 2", "onnxruntime"]),
        (fake("threads = 0"), ["line 3: 0 threads", "1 to 1024"]),
        (
            fault("name = \"../x\"\nruntime = \"fake\"\n"),
            ["line 1", "cannot name a folder"],
        ),
        (
            fake("command = \"ssh 'pi\""),
            ["line 3: the command `ssh 'pi`", "quoted as in a shell"],
        ),
        (fake("command = \"\""), ["line 3: the command ``", "mnas-agent"]),
        (
            fake("timeout = \"60s\""),
            ["line 3: a timeout without a command", "only devices with an agent"],
        ),
        (
            fake("command = \"a\"\ntimeout = \"soon\""),
            ["line 4: timeout `soon`", "60s"],
        ),
        (
            fake("command = \"a\"\ntimeout = \"0s\""),
            ["line 4: timeout `0s`", "60s"],
        ),
        (
            fake("table = \"there\""),
            ["line 3: runtime fake with a table", "replay"],
        ),
        (
            fake("processor = \"cuda\""),
            ["line 3: processor cuda with runtime fake", "libtorch"],
        ),
        (
            of_runtime("replay", ""),
            ["line 2: runtime replay without a table", "latency table"],
        ),
        (
            of_runtime("tract", "threads = 2"),
            ["line 3: 2 threads with tract", "one thread"],
        ),
        (
            of_runtime("published", "command = \"a\"\ntable = \"there\""),
            ["line 2: runtime published with a command", "onnxruntime"],
        ),
    ] {
        for text in texts {
            assert!(error.contains(text), "`{text}` is not in: {error}");
        }
    }
}

#[test]
fn a_command_is_split_as_a_shell_does() {
    let text = "name = \"pi\"\nruntime = \"onnxruntime\"\ncommand = \"adb -s 'my phone' shell /data/mnas-agent\"\ntimeout = \"2m\"\n";
    let agent = Device::parse(text, "pi.toml").unwrap().agent.unwrap();
    assert_eq!(
        agent.command.words(),
        ["adb", "-s", "my phone", "shell", "/data/mnas-agent"]
    );
    assert_eq!(agent.timeout, Duration::from_mins(2));
}

#[test]
fn a_recorded_table_lies_beside_its_device() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(
        &file,
        "name = \"mine\"\nruntime = \"replay\"\ntable = \"../x/./recorded\"\n",
    )
    .unwrap();
    let table = Device::open(file.to_str().unwrap()).unwrap().table.unwrap();
    assert_eq!(table, folder.path().parent().unwrap().join("x/recorded"));
    let bundled = Device::open("replay").unwrap().table.unwrap();
    assert!(!bundled.to_string_lossy().contains(".."), "{}", bundled.display());
}

#[test]
fn an_ssh_address_is_a_device() {
    let device = Device::open("ssh:pi@berry.local:2222").unwrap();
    assert_eq!(
        (device.name.as_str(), device.folder_name().as_str()),
        ("ssh:pi@berry.local:2222", "ssh-pi-berry.local-2222")
    );
    let command = device.agent.unwrap().command;
    let words = command.words();
    assert_eq!(words[words.len() - 4..], ["-p", "2222", "pi@berry.local", "mnas-agent"]);
    assert!(
        Device::open("ssh:berry")
            .unwrap()
            .agent
            .unwrap()
            .command
            .words()
            .ends_with(&["berry".to_owned(), "mnas-agent".to_owned()])
    );
    for (address, problem) in [
        ("ssh:", "host"),
        ("ssh:-oProxyCommand=x", "host"),
        ("ssh:pi@-v", "host"),
        ("ssh:a b", "host"),
        ("ssh:@host", "user"),
        ("ssh:-v@host", "user"),
        ("ssh:host:ssh", "port"),
        ("ssh:host:70000", "port"),
    ] {
        let error = Device::open(address).unwrap_err().to_string();
        assert!(
            error.contains(address) && error.contains(problem) && error.contains("ssh:user@host"),
            "{error}"
        );
    }
}
