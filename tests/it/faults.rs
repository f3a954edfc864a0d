//! The table of faults, `tests/FAULTS.md`, is complete, and every test that it names exists and runs. So does every test that
//! verifies a promise of `.github/SECURITY.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::story::read;

const FAULTS: [RangeInclusive<u32>; 9] = [
    1..=14,
    20..=35,
    40..=47,
    50..=59,
    60..=69,
    70..=75,
    80..=89,
    100..=107,
    109..=111,
];
const LOADS: RangeInclusive<u32> = 1..=5;
/// Inputs that failed in the first version.
const CASES: [RangeInclusive<u32>; 6] = [1..=14, 20..=29, 31..=39, 41..=45, 47..=75, 80..=94];

/// The last column of each row, by the number of the row.
fn rows() -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    for line in read("tests/FAULTS.md").lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [number, _, _, tests] = cells[..] else {
            continue;
        };
        if number.starts_with(['F', 'L', 'C']) {
            let twice = rows.insert(number.to_owned(), tests.to_owned());
            assert!(twice.is_none(), "{number} has two rows");
        }
    }
    rows
}

/// The tests of this binary that are not ignored.
fn tests() -> BTreeSet<String> {
    let list = |more: &[&str]| -> BTreeSet<String> {
        let program = std::env::current_exe().expect("this binary");
        let output = Command::new(program).arg("--list").args(more).output();
        let output = output.expect("its list");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .map(str::to_owned)
            .collect()
    };
    &list(&[]) - &list(&["--ignored"])
}

/// The text of every file below a folder.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.push((path, text));
        }
    }
    found
}

/// Whether the product has a unit test of this path.
fn is_unit_test(path: &str) -> bool {
    let Some((module, name)) = path.rsplit_once("::") else {
        return false;
    };
    let module = module.trim_end_matches("::tests").replace("::", "/");
    let files = [
        format!("src/{module}.rs"),
        format!("src/{module}/mod.rs"),
        format!("src/{module}/tests.rs"),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    files.iter().any(|file| {
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        let before = text.split(&format!("fn {name}(")).next();
        let before = before.filter(|before| before.len() < text.len());
        before.is_some_and(is_test)
    })
}

/// Whether the lines right above are `#[test]` and comments.
fn is_test(before: &str) -> bool {
    let mut above = before.lines().rev().map(str::trim);
    above.find(|line| !line.is_empty() && !line.starts_with("///")) == Some("#[test]")
}

/// Everything that a table can name.
struct Checks {
    here: BTreeSet<String>,
    outside: Vec<(PathBuf, String)>,
    bench: Vec<(PathBuf, String)>,
    storm: Vec<(PathBuf, String)>,
}

impl Checks {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self {
            here: tests(),
            outside: sources(&root.join("tests/outside")),
            bench: sources(&root.join("tests/benchmark")),
            storm: sources(&root.join("tests/storm")),
        }
    }

    /// Checks that a cell names tests, and that each of them exists.
    fn hold(&self, row: &str, cell: &str) {
        let names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row} names no test");
        for name in names {
            assert!(
                self.has(name),
                "{row} names a test that does not exist: {name}"
            );
        }
    }

    fn has(&self, name: &str) -> bool {
        let holds = |files: &[(PathBuf, String)], name: &str| {
            files
                .iter()
                .any(|(_, text)| text.contains(&format!("\"{name}")))
        };
        match name.split_once([' ', ':']) {
            Some(("it", test)) => self.here.contains(test.trim_start_matches(':')),
            Some(("unit", test)) => is_unit_test(test),
            Some(("outside", case)) => {
                let case = case.strip_prefix("check: ");
                case.is_some_and(|case| holds(&self.outside, &format!("{case}\"")))
            }
            Some(("tests/bench", row)) => holds(&self.bench, row),
            Some(("tests/storm", row)) => holds(&self.storm, &format!("{row}\"")),
            _ => false,
        }
    }
}

#[test]
fn the_table_has_every_number_and_no_other() {
    let faults = FAULTS.into_iter().flatten().map(|n| format!("F{n:02}"));
    let loads = LOADS.map(|n| format!("L{n}"));
    let cases = CASES.into_iter().flatten().map(|n| format!("C{n:02}"));
    let expected: BTreeSet<String> = faults.chain(loads).chain(cases).collect();
    let found: BTreeSet<String> = rows().into_keys().collect();
    assert_eq!(found, expected);
}

#[test]
fn every_test_that_the_table_names_exists_and_runs() {
    let checks = Checks::read();
    for (number, cell) in rows() {
        match cell.strip_prefix("not tested: ") {
            Some(reason) => assert!(reason.len() > 10, "{number}: no reason"),
            None => checks.hold(&number, &cell),
        }
    }
}

#[test]
fn every_promise_is_verified_by_tests_that_exist_and_run() {
    let document = read(".github/SECURITY.md");
    let (_, rest) = document.split_once("\n## Promises\n").expect("the section");
    let (section, _) = rest.split_once("\n## ").expect("the next section");
    let checks = Checks::read();
    let mut promises = 0;
    for line in section
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
    {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let [promise, tests] = cells[..] else {
            panic!("not a promise with its tests: {line}");
        };
        checks.hold(promise, tests);
        promises += 1;
    }
    assert!(promises > 10, "{promises} promises");
}

#[test]
fn every_test_with_a_number_is_in_its_row() {
    let rows = rows();
    for test in tests() {
        let (_, name) = test.rsplit_once("::").unwrap_or(("", &test));
        let numbers = name.split('_').take_while(|word| {
            let digits = word.strip_prefix(['f', 'c']).unwrap_or_default();
            matches!(digits.len(), 2 | 3) && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        for number in numbers {
            let number = number.to_uppercase();
            let cell = rows.get(&number).map_or("", String::as_str);
            assert!(
                cell.contains(&format!("`it::{test}`")),
                "{test} is not in the row of {number}"
            );
        }
    }
}
