//! Searches and trainings on full disks.

use crate::support::{Workplace, flat, search_line};

/// Runs a shell script that calls the program as `$mnas`; returns whether it could be run, and its output.
fn script(place: &Workplace, program: &str, before: &[&str], script: &str) -> (Option<i32>, String) {
    let script = script.replace('\n', " ");
    let mut command = place.command(program, before.iter().copied().chain(["sh", "-c", &script]));
    command.env("mnas", env!("CARGO_BIN_EXE_mnas"));
    let output = command.output().unwrap();
    (output.status.code(), flat(&String::from_utf8_lossy(&output.stderr)))
}

/// Compares a search that met a full disk, and one that was resumed after it, with one that had room.
fn check(place: &Workplace, first: &str, seed: u64) {
    let said = flat(&place.read(first));
    assert!(said.contains("cannot be written"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    let finished = place.read("finished").trim().parse::<usize>().unwrap();
    assert!((1..8).contains(&finished), "{finished} trials before the disk was full");
    let whole = Workplace::new();
    whole.search(&format!("--trials 8 --seed {seed}")).success();
    assert_eq!(place.rows("study/trials.csv"), whole.rows("study/trials.csv"));
    assert_eq!(place.rows("study/front.csv"), whole.rows("study/front.csv"));
}

#[test]
fn a_search_on_a_full_disk_stops_and_goes_on_later() {
    let place = Workplace::new();
    let namespace = ["--map-root-user", "--mount"];
    let (allowed, _) = script(
        &place,
        "unshare",
        &namespace,
        "mkdir -p full && mount -t tmpfs -o size=64k tmpfs full",
    );
    if allowed != Some(0) {
        #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
        {
            eprintln!("SKIPPED: a small file system cannot be mounted here, so a full disk is not tested");
        }
        return;
    }
    // The mount lives as long as its shell: fill, make room, resume, copy the files out.
    let search = search_line("--trials 8 --seed 5 --out full/study");
    let (code, said) = script(
        &place,
        "unshare",
        &namespace,
        &format!(
            "mount -t tmpfs -o size=120k tmpfs full || exit 90;
             \"$mnas\" {search} 2> first.txt; test $? = 1 || exit 91;
             grep -c '\"finished\"' full/study/trials.jsonl > finished;
             mount -o remount,size=64m full || exit 92;
             \"$mnas\" search --resume --out full/study --workers 2 --tables tables || exit 93;
             cp -r full/study study"
        ),
    );
    assert_eq!(code, Some(0), "{said}\n{}", place.read("first.txt"));
    let first = flat(&place.read("first.txt"));
    assert!(first.contains("No space left on device"), "{first}");
    assert!(
        first.contains("free some space") && first.contains("--resume"),
        "{first}"
    );
    check(&place, "first.txt", 5);
}

#[test]
fn weights_that_cannot_be_written_stop_the_search_and_cost_no_trial() {
    let place = Workplace::new();
    // A limit on the size of files replaces the full disk: it needs no privileges. The weights of one network, the fourth, are above it.
    let search = search_line("--trials 8 --seed 4");
    let (code, said) = script(
        &place,
        "env",
        &[],
        &format!(
            "(trap '' XFSZ; ulimit -f 92; \"$mnas\" {search} 2> first.txt); test $? = 1 || exit 91;
             grep -c '\"finished\"' study/trials.jsonl > finished;
             \"$mnas\" search --resume --out study --workers 2 --tables tables || exit 93"
        ),
    );
    assert_eq!(code, Some(0), "{said}\n{}", place.read("first.txt"));
    check(&place, "first.txt", 4);
}

#[test]
fn a_training_on_a_full_disk_keeps_its_former_checkpoint() {
    let place = Workplace::new();
    let namespace = ["--map-root-user", "--mount"];
    let (allowed, _) = script(
        &place,
        "unshare",
        &namespace,
        "mkdir -p full && mount -t tmpfs -o size=256k tmpfs full",
    );
    if allowed != Some(0) {
        #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
        {
            eprintln!("SKIPPED: a small file system cannot be mounted here, so a full disk is not tested");
        }
        return;
    }
    place.edit("recipe.toml", "learning-rate = 1.0", "learning-rate = 0.1");
    let train = "$mnas train in16,conv_k3_s2_c8_nr6,head_o10 --data demo --images 60 --recipe recipe.toml --epochs 40 \
                 --threads 1 --checkpoint-every 0s -o full/w.safetensors";
    let (code, said) = script(
        &place,
        "unshare",
        &namespace,
        &format!(
            "mount -t tmpfs -o size=256k tmpfs full;
             {train} & training=$!;
             while ! test -s full/w.checkpoint; do sleep 0.01; done;
             kill -INT $training; wait $training;
             cp full/w.checkpoint before;
             dd if=/dev/zero of=full/filler bs=1k count=1000 2>dd.txt;
             {train} --resume 2>first.txt; echo $? >code;
             cmp before full/w.checkpoint || exit 7;
             rm full/filler;
             {train} --resume || exit 8;
             test ! -e full/w.checkpoint || exit 9;
             cp full/w.safetensors resumed.safetensors"
        ),
    );
    assert_eq!(code, Some(0), "{said}");
    let first = flat(&place.read("first.txt"));
    assert_eq!(place.read("code").trim(), "1", "{first}");
    assert!(first.contains("w.checkpoint: cannot be written"), "{first}");
    assert!(
        first.contains("free some space") && !first.contains("panicked"),
        "{first}"
    );
    let whole = train.strip_prefix("$mnas ").unwrap().replace("full/", "");
    place.run(&whole).success();
    let bytes = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert!(bytes("resumed.safetensors") == bytes("w.safetensors"));
}
