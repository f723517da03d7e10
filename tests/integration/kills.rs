//! Processes that are killed at random moments: nothing lost, nothing done twice, no byte of the results differs.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::shards::{assert_same_results, sweep};
use crate::tool::Lab;

/// Numbers that a seed determines.
struct Random(u64);

impl Random {
    /// Uniform in [0, 1).
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1u32 << 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (end as f64 * self.unit()) as usize
    }
}

/// How often processes were hit, by what they were at.
#[derive(Debug, Default)]
struct Hit {
    /// Nothing was recorded since they began: plan, folder, first files, head of the journal, first runs.
    starts: usize,
    runs: usize,
    /// Every run of the plan was recorded.
    reports: usize,
    merges: usize,
}

impl Hit {
    fn all(&self) -> usize {
        self.starts + self.runs + self.reports + self.merges
    }
}

/// An experiment in a lab, and how long it takes undisturbed.
struct Sweep {
    lab: Lab,
    runs: usize,
    whole: Duration,
    /// The time until its first run is recorded, at most.
    start: Duration,
}

impl Sweep {
    /// Undisturbed results are in `whole/sweep`.
    fn new(kills: usize) -> Sweep {
        let lab = Lab::with_shipped();
        let text = sweep().replace("repeats = 4", &format!("repeats = {}", 4 + (kills / 10).min(10)));
        lab.write("sweep.toml", text.replace("evaluations = 400", "evaluations = 2000"));
        let begun = Instant::now();
        let arguments = ["sweep.toml", "--out", "whole", "--quiet", "--threads", "2"];
        let mut child = lab.command(&arguments).spawn().unwrap();
        while fs::read_to_string(lab.path("whole/sweep/journal.jsonl")).map_or(0, |text| text.lines().count()) < 2 {
            assert!(begun.elapsed() < Duration::from_secs(60), "no run ended in a minute");
            std::thread::sleep(Duration::from_millis(1));
        }
        let start = begun.elapsed();
        assert!(child.wait().unwrap().success());
        let runs = lab.table("whole/sweep/plan.csv").rows.len();
        Sweep { runs, whole: begun.elapsed(), start, lab }
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
        self.lab.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The identities of the whole lines of all journals of a results folder.
    fn recorded(&self, folder: &str) -> Vec<String> {
        let identity = |line: &str| line.split("\"id\":\"").nth(1).map(|rest| rest[..64].to_string());
        let entries = fs::read_dir(self.lab.path(folder)).into_iter().flatten().map(|entry| entry.unwrap().path());
        let mut recorded = Vec::new();
        for path in entries.filter(|path| path.extension().is_some_and(|end| end == "jsonl")) {
            // A last line that was cut off is no record.
            let text = fs::read_to_string(path).unwrap();
            recorded.extend(text.split_inclusive('\n').filter(|line| line.ends_with('\n')).filter_map(identity));
        }
        recorded
    }

    /// Lets processes run for a time that they do not choose, kills them, and counts what that hit.
    fn kill(&self, mut children: Vec<Child>, folder: &str, merge: bool, random: &mut Random, hit: &mut Hit) {
        let before = self.recorded(folder).len();
        let within = match random.below(3) {
            0 => self.start,
            1 => self.whole.mul_f64(0.2),
            _ => self.whole,
        };
        for child in &mut children {
            std::thread::sleep(within.mul_f64(random.unit()));
            if child.try_wait().unwrap().is_some() {
                continue;
            }
            let signal = ["-KILL", "-TERM", "-INT", "-USR1"][random.below(4)];
            Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
            let recorded = self.recorded(folder).len();
            *match recorded {
                _ if merge => &mut hit.merges,
                recorded if recorded == self.runs => &mut hit.reports,
                recorded if recorded == before => &mut hit.starts,
                _ => &mut hit.runs,
            } += 1;
        }
        for child in &mut children {
            let code = child.wait().unwrap().code();
            assert!([None, Some(0), Some(75), Some(130)].contains(&code), "{code:?}");
        }
    }

    #[track_caller]
    fn is_whole(&self, folder: &str) {
        assert_same_results(&self.lab, "whole/sweep", folder);
        let recorded = self.recorded(folder);
        let plan = self.lab.table(&format!("{folder}/plan.csv"));
        let distinct: BTreeSet<&str> = recorded.iter().map(String::as_str).collect();
        assert_eq!(recorded.len(), distinct.len(), "a run was recorded twice");
        assert_eq!(distinct, plan.column("identity").into_iter().collect(), "a run was lost");
    }
}

/// Signals at moments that no run chose, with any number of threads: one process after another in every other folder; in
/// those between, two shares at once of numbers that change from one time to the next, and merges. Then the files are those
/// of one go, and no answer was recorded twice.
#[test]
fn kills_at_random_moments_change_nothing() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let kills = number("SBI_RUN_KILLS").unwrap_or(12) as usize;
    let seed = number("SBI_RUN_SEED").unwrap_or(12345);
    let sweep = Sweep::new(kills);
    let (mut random, mut hit, mut folders) = (Random(seed), Hit::default(), 0);
    while hit.all() < kills {
        folders += 1;
        let (out, shared) = (format!("cut{folders}"), folders % 2 == 0);
        let folder = format!("{out}/sweep");
        let run = ["sweep.toml", "--out", &out, "--quiet"];
        // As often as it takes to finish it, or to see that it does not get there.
        for _ in 0..30 {
            let (threads, of) = (format!("{}", 1 + random.below(3)), 2 + random.below(3));
            let merge = shared && sweep.lab.path(&format!("{folder}/inputs.json")).exists() && random.below(3) == 0;
            let children = if merge {
                vec![sweep.spawn(&["merge", &folder, "--quiet", "--threads", &threads])]
            } else if shared {
                let first = random.below(of);
                let share = |number: usize| format!("{}/{of}", 1 + number % of);
                let shares = [share(first), share(first + 1)];
                let words = |share| [&run[..], &["--threads", &threads, "--shard", share, "--requeue", "0"]].concat();
                shares.iter().map(|share| sweep.spawn(&words(share))).collect()
            } else {
                vec![sweep.spawn(&[&run[..], &["--threads", &threads]].concat())]
            };
            sweep.kill(children, &folder, merge, &mut random, &mut hit);
            let done = sweep.recorded(&folder).len() == sweep.runs;
            if hit.all() >= kills || done && random.below(4) == 0 {
                break;
            }
        }
        // The last one is left in peace.
        if shared {
            sweep.lab.run(&[&run[..], &["--shard", "1/1"]].concat()).ends(0);
            sweep.lab.run(&["merge", &folder, "--quiet"]).ends(0);
        } else {
            sweep.lab.run(&run).ends(0);
        }
        sweep.is_whole(&folder);
        fs::remove_dir_all(sweep.lab.path(&out)).unwrap();
    }
    println!("{} kills over {folders} results folders, seed {seed}: {hit:?}", hit.all());
}

/// What a kill after k records leaves, the half of a line included, is gone on with to the bytes of one go, for every k.
#[test]
fn any_number_of_records_is_gone_on_with() {
    let lab = Lab::with_shipped();
    lab.write("sweep.toml", sweep().replace("repeats = 4", "repeats = 1"));
    lab.run(&["sweep.toml", "--out", "whole", "--quiet"]).ends(0);
    let journal = lab.read("whole/sweep/journal.jsonl");
    let lines: Vec<&[u8]> = journal.split_inclusive('\n').map(str::as_bytes).collect();
    assert_eq!(lines.len(), 11, "a head and ten records");
    for whole in 0..=lines.len() {
        let half = lines.get(whole).map_or(&[][..], |line| &line[..line.len() / 2]);
        lab.write(&format!("k{whole}/sweep/journal.jsonl"), [&lines[..whole].concat(), half].concat());
        lab.run(&["sweep.toml", "--out", &format!("k{whole}"), "--quiet"]).ends(0);
        assert_same_results(&lab, "whole/sweep", &format!("k{whole}/sweep"));
    }
}
