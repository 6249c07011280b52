//! A site's rule files as texts: read with bounds, and hashed.

use std::{io, path::Path};

use crate::problem::PROBLEMS_MAX;

/// The most bytes of one file.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// The most files of a rules folder.
const FILES_MAX: usize = 512;
/// The most bytes of all files of cases: each case is tried at each reload.
const CASES_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The most bytes of all files together.
const BUNDLE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The ending of files of cases.
const CASES: &str = ".cases.toml";
/// The ending of files that tell an editor what rule files may name; they hold no rules.
const DEFINITIONS: &str = ".d.rhai";

/// One file of a rules folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name, without the folder.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// All files of a rules folder, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    /// The rule files, `*.rhai`.
    pub rules: Vec<SourceFile>,
    /// The files of cases, `*.cases.toml`.
    pub cases: Vec<SourceFile>,
    /// What was not read, although somebody may wait for it.
    pub left_alone: Vec<LeftAlone>,
}

/// Something in a rules folder that was not read, although somebody may wait for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftAlone {
    /// A file whose name is nearly one of a rule file or of cases.
    File {
        /// Its name.
        name: String,
        /// The name that it was most likely meant to have.
        meant: String,
    },
    /// A folder that holds rule files or cases.
    Folder {
        /// Its name.
        name: String,
    },
}

impl LeftAlone {
    /// What `name` in the folder `dir` is, which is not read.
    fn of(dir: &Path, name: String) -> Option<Self> {
        let path = dir.join(&name);
        if path.is_dir() {
            let holds = !name.starts_with('.') && holds_rules(&path);
            return holds.then_some(Self::Folder { name });
        }
        let meant = meant(&name)?;
        Some(Self::File { name, meant })
    }
}

/// Whether a folder holds files that would be read one level higher.
fn holds_rules(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    let mut entries = entries.take(FILES_MAX).flatten();
    entries.any(|entry| entry.file_name().to_str().is_some_and(is_read))
}

impl Bundle {
    /// Reads the `*.rhai` and `*.cases.toml` files of the folder `dir`. Definitions for editors
    /// (`*.d.rhai`), other files and hidden ones are left alone.
    ///
    /// # Errors
    /// The folder or a file cannot be read, is not UTF-8 or is too large; the text names each.
    pub fn read(dir: &Path) -> io::Result<Self> {
        let about = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot read `{}`: {error}", dir.display()))
        };
        let (mut names, mut left_alone) = (Vec::new(), Vec::new());
        for entry in std::fs::read_dir(dir).map_err(about)? {
            let Ok(name) = entry.map_err(about)?.file_name().into_string() else { continue };
            if is_read(&name) {
                names.push(name);
            } else if left_alone.len() < FILES_MAX {
                left_alone.extend(LeftAlone::of(dir, name));
            }
            if names.len() > FILES_MAX {
                return Err(too_large(format!(
                    "`{}` holds more than {FILES_MAX} rule files; put some of them together",
                    dir.display()
                )));
            }
        }
        names.sort();
        let (mut files, mut unread) = (Vec::new(), Vec::new());
        let (mut bytes, mut of_cases) = (0, 0);
        for name in names {
            let text = match read_text(&dir.join(&name)) {
                Ok(text) => text,
                Err(error) => {
                    unread.push(error);
                    continue;
                }
            };
            bytes += text.len();
            if bytes > BUNDLE_BYTES_MAX {
                return Err(too_large(format!(
                    "the files of `{}` hold more than {BUNDLE_BYTES_MAX} bytes; remove some",
                    dir.display()
                )));
            }
            if name.ends_with(CASES) {
                of_cases += text.len();
            }
            if of_cases > CASES_BYTES_MAX {
                return Err(too_large(format!(
                    "the cases of `{}` hold more than {CASES_BYTES_MAX} bytes; remove some",
                    dir.display()
                )));
            }
            files.push(SourceFile { name, text });
        }
        all_of(unread)?;
        left_alone.sort();
        Ok(Self { left_alone, ..Self::of(files) })
    }

    /// A bundle of `files`, put in order.
    #[must_use]
    pub fn of(files: impl IntoIterator<Item = SourceFile>) -> Self {
        let mut files: Vec<_> = files.into_iter().collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let (rules, cases) = files.into_iter().partition(|file| file.name.ends_with(".rhai"));
        Self { rules, cases, left_alone: Vec::new() }
    }

    /// The hash over the names and texts of all files, as hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for file in self.rules.iter().chain(&self.cases) {
            for part in [&file.name, &file.text] {
                // Lengths first, so that no text can pass for the beginning of the next name.
                hasher.update(&part.len().to_le_bytes());
                hasher.update(part.as_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}

fn is_read(name: &str) -> bool {
    let is_rule = name.ends_with(".rhai") && !name.ends_with(DEFINITIONS);
    !name.starts_with('.') && (is_rule || name.ends_with(CASES))
}

/// The name that a file was most likely meant to have, which is not read as it is: `10_a.RHAI`,
/// `10_a.rhai.txt`, `10_a.rhai.`, `10_a.rhia`, `10_a_rhai`, `10_a.case.toml`, `10_a_cases.toml`.
fn meant(name: &str) -> Option<String> {
    // What editors leave behind: `10_a.rhai~`, `#10_a.rhai#`.
    let is_left = name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'));
    if is_left || name.starts_with('.') || name.ends_with(DEFINITIONS) {
        return None;
    }
    let small = name.to_lowercase();
    let small = small.strip_suffix(".txt").unwrap_or(&small).trim_end_matches(['.', ' ']);
    let stem = |ending: &str| {
        let stem = small.strip_suffix(ending)?;
        name.get(..stem.len()).filter(|stem| !stem.is_empty())
    };
    let nearly = [CASES, ".case.toml", ".cases.tml", "_cases.toml", "-cases.toml"];
    if let Some(stem) = nearly.into_iter().find_map(stem) {
        return Some(format!("{stem}{CASES}"));
    }
    let near = small.rsplit_once('.').filter(|(_, ending)| {
        ending.len() >= 3 && strsim::damerau_levenshtein(ending, "rhai") <= 1
    });
    let stem = match near {
        Some((stem, _)) => name.get(..stem.len()),
        None => stem("rhai").map(|stem| stem.trim_end_matches(['_', '-', ' '])),
    };
    let meant = format!("{}.rhai", stem.filter(|stem| !stem.is_empty())?);
    (!meant.to_lowercase().ends_with(DEFINITIONS)).then_some(meant)
}

/// The errors of several files as one, which names each.
fn all_of(errors: Vec<io::Error>) -> io::Result<()> {
    let Some(first) = errors.first() else { return Ok(()) };
    let told: Vec<_> = errors.iter().take(PROBLEMS_MAX).map(ToString::to_string).collect();
    Err(io::Error::new(first.kind(), told.join("\n")))
}

fn read_text(path: &Path) -> io::Result<String> {
    plain_file::text(path, FILE_BYTES_MAX).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot read `{}`: {error}", path.display()))
    })
}

fn too_large(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> SourceFile {
        SourceFile { name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_name_that_is_nearly_one_of_a_rule_file_is_told_with_the_one_that_was_meant() {
        for (name, wanted) in [
            ("10_a.RHAI", Some("10_a.rhai")),
            ("10_a.Rhai", Some("10_a.rhai")),
            ("10_a.rhai.txt", Some("10_a.rhai")),
            ("10_a.rhia", Some("10_a.rhai")),
            ("10_a.rha", Some("10_a.rhai")),
            ("დრო.rhay", Some("დრო.rhai")),
            ("10_a.CASES.TOML", Some("10_a.cases.toml")),
            ("10_a.case.toml", Some("10_a.cases.toml")),
            ("10_a.cases.toml.txt", Some("10_a.cases.toml")),
            ("10_a.rhai.", Some("10_a.rhai")),
            ("10rhai", Some("10.rhai")),
            ("10_a_rhai", Some("10_a.rhai")),
            ("v1.2-RHAI", Some("v1.2.rhai")),
            ("10_a_cases.toml", Some("10_a.cases.toml")),
            ("#10_a.rhai#", None),
            ("rhai", None),
            ("_rhai", None),
            ("cases.toml", None),
            ("10_a.rhai~", None),
            (".10_a.rhai.swp", None),
            ("kari.d.rhai", None),
            ("KARI.D.RHAI", None),
            ("notes.txt", None),
            ("site.toml", None),
            ("README.md", None),
            (".RHAI", None),
        ] {
            assert_eq!(meant(name).as_deref(), wanted, "{name}");
        }
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_its_names_and_foreign_files_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("20_b.rhai", "b"),
            ("10_a.rhai", "a"),
            ("10_a.cases.toml", "c"),
            (".10_a.rhai.swp", "x"),
            (".hidden.rhai", "x"),
            ("10_a.rhai~", "x"),
            ("kari.d.rhai", "module static;"),
        ] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let bundle = Bundle::read(dir.path()).unwrap();
        assert_eq!(bundle.rules, [file("10_a.rhai", "a"), file("20_b.rhai", "b")]);
        assert_eq!(bundle.cases, [file("10_a.cases.toml", "c")]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let missing = Bundle::read(&dir.path().join("nowhere")).unwrap_err();
        assert!(missing.to_string().contains("nowhere"), "{missing}");
        std::fs::write(dir.path().join("bad.rhai"), [0x2f, 0x2f, 0xff]).unwrap();
        let bad = Bundle::read(dir.path()).unwrap_err().to_string();
        assert!(bad.contains("bad.rhai") && bad.contains("byte 2"), "{bad}");
        std::fs::write(dir.path().join("bad.rhai"), vec![b' '; 256 * 1024 + 1]).unwrap();
        let large = Bundle::read(dir.path()).unwrap_err().to_string();
        assert!(large.contains("larger than"), "{large}");
    }

    #[test]
    fn a_folder_holds_no_more_cases_than_a_reload_can_try() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..9 {
            let file = dir.path().join(format!("{number}.cases.toml"));
            std::fs::write(file, vec![b' '; 250 * 1024]).unwrap();
        }
        let large = Bundle::read(dir.path()).unwrap_err().to_string();
        assert!(large.contains("the cases of") && large.contains("remove some"), "{large}");
    }

    #[test]
    fn a_pipe_among_the_rule_files_is_named_and_not_waited_for() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("x.rhai");
        mknodat(CWD, pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let why = Bundle::read(dir.path()).unwrap_err().to_string();
        assert!(why.contains("x.rhai") && why.contains("no plain file"), "{why}");
    }

    #[test]
    fn all_files_that_cannot_be_read_are_named_at_once() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("10_a.rhai")).unwrap();
        std::fs::write(dir.path().join("20_b.cases.toml"), [0xff]).unwrap();
        std::os::unix::fs::symlink("gone", dir.path().join("97_l.rhai")).unwrap();
        let why = Bundle::read(dir.path()).unwrap_err().to_string();
        let told: Vec<_> = why.lines().collect();
        let wanted = [
            ("10_a.rhai`: ", "no plain file"),
            ("20_b.cases.toml`: ", "not UTF-8"),
            ("97_l.rhai`: ", "a link that leads nowhere"),
        ];
        assert_eq!(told.len(), wanted.len(), "{why}");
        for (line, (name, part)) in told.iter().zip(wanted) {
            assert!(line.contains(name) && line.contains(part), "{line}");
        }
    }

    #[test]
    fn a_folder_of_rule_files_among_them_is_not_read_and_is_told() {
        let dir = tempfile::tempdir().unwrap();
        for (folder, name) in [("summer", "10_a.rhai"), ("notes", "a.txt"), (".git", "10_a.rhai")] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
            std::fs::write(dir.path().join(folder).join(name), "x").unwrap();
        }
        std::fs::create_dir(dir.path().join("95_rhai")).unwrap();
        std::fs::write(dir.path().join("95_b_rhai"), "x").unwrap();
        let bundle = Bundle::read(dir.path()).unwrap();
        let (name, meant) = ("95_b_rhai".to_owned(), "95_b.rhai".to_owned());
        let folder = LeftAlone::Folder { name: "summer".to_owned() };
        assert_eq!(bundle.left_alone, [LeftAlone::File { name, meant }, folder]);
        assert_eq!(bundle.rules, []);
    }

    #[test]
    fn the_hash_changes_with_every_name_and_text_and_not_with_the_order_of_reading() {
        let (a, b) = (file("a.rhai", "1"), file("b.rhai", "2"));
        let hash = Bundle::of([a.clone(), b.clone()]).hash();
        assert_eq!(hash, Bundle::of([b.clone(), a.clone()]).hash());
        for other in [
            Bundle::of([a.clone()]),
            Bundle::of([a.clone(), file("b.rhai", "3")]),
            Bundle::of([a.clone(), file("c.rhai", "2")]),
            Bundle::of([file("a.rhai", ""), file("1b.rhai", "2")]),
            Bundle::of([a, b, file("a.cases.toml", "")]),
        ] {
            assert_ne!(hash, other.hash(), "{other:?}");
        }
    }
}
