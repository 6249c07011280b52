//! A site's rule files as texts: read with bounds, and hashed.

use std::{io, path::Path};

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
    /// Files that were not read although their names look like those, and what they would be read
    /// by.
    pub left_alone: Vec<(String, String)>,
}

impl Bundle {
    /// Reads the `*.rhai` and `*.cases.toml` files of the folder `dir`. Definitions for editors
    /// (`*.d.rhai`), other files and hidden ones are left alone.
    ///
    /// # Errors
    /// The folder or a file cannot be read, is not UTF-8 or is too large; the text names it.
    pub fn read(dir: &Path) -> io::Result<Self> {
        let about = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot read `{}`: {error}", dir.display()))
        };
        let (mut names, mut left_alone) = (Vec::new(), Vec::new());
        for entry in std::fs::read_dir(dir).map_err(about)? {
            let Ok(name) = entry.map_err(about)?.file_name().into_string() else { continue };
            if is_read(&name) {
                names.push(name);
            } else if left_alone.len() < FILES_MAX
                && let Some(meant) = meant(&name)
            {
                left_alone.push((name, meant));
            }
            if names.len() > FILES_MAX {
                return Err(too_large(format!(
                    "`{}` holds more than {FILES_MAX} rule files; put some of them together",
                    dir.display()
                )));
            }
        }
        let mut files = Vec::new();
        let (mut bytes, mut of_cases) = (0, 0);
        for name in names {
            let text = read_text(&dir.join(&name))?;
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
/// `10_a.rhai.txt`, `10_a.rhia`, `10_a.case.toml`.
fn meant(name: &str) -> Option<String> {
    if name.starts_with('.') || name.ends_with('~') || name.ends_with(DEFINITIONS) {
        return None;
    }
    let small = name.to_lowercase();
    let small = small.strip_suffix(".txt").unwrap_or(&small);
    let stem = |ending: &str| {
        let stem = small.strip_suffix(ending)?;
        name.get(..stem.len()).filter(|stem| !stem.is_empty())
    };
    let cases = [CASES, ".case.toml", ".cases.tml"].into_iter().find_map(stem);
    if let Some(stem) = cases {
        return Some(format!("{stem}{CASES}"));
    }
    let (stem, ending) = small.rsplit_once('.')?;
    let near = ending.len() >= 3 && strsim::damerau_levenshtein(ending, "rhai") <= 1;
    let stem = name.get(..stem.len()).filter(|stem| near && !stem.is_empty())?;
    let meant = format!("{stem}.rhai");
    (!meant.to_lowercase().ends_with(DEFINITIONS)).then_some(meant)
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
