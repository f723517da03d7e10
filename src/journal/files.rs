//! Files of the results folder, written whole or not at all.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempPath;

use super::Error;

/// How names end that files have while they are written.
const PART: &str = ".part";
/// After so long without a word the writer is gone.
const ABANDONED: Duration = Duration::from_secs(3600);

/// A results folder that can be written to.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder where it is missing, and tries at once whether files can be written there.
    pub fn create(path: &Path) -> Result<Folder, Error> {
        if path.exists() && !path.is_dir() {
            return Err(Error::NotFolder(path.to_path_buf()));
        }
        fs::create_dir_all(path).map_err(|source| Error::io("make the folder", path, source))?;
        part(".probe", path)
            .and_then(|(mut file, _gone)| file.write_all(b"probe"))
            .map_err(|source| Error::io("write to the folder", path, source))?;
        let folder = Folder { path: path.to_path_buf() };
        folder.sweep();
        Ok(folder)
    }

    /// Removes what processes that were killed left of files they were writing: nothing has been added for an hour.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let part = name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(PART));
            let age = entry.metadata().and_then(|file| file.modified()).ok().and_then(|time| time.elapsed().ok());
            if part && age.is_some_and(|age| age >= ABANDONED) {
                // Whether it goes or stays changes nothing.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// How a file of this folder names another file: relative to the folder, links followed. Where there is no relative
    /// way, or no such file, the path as it was given.
    pub fn way_to(&self, target: &Path) -> PathBuf {
        let whole = |path: &Path| fs::canonicalize(path).ok();
        let (Some(from), Some(to)) = (whole(&self.path), whole(target)) else { return target.to_path_buf() };
        let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
        if shared == 0 {
            return to;
        }
        let up = from.components().skip(shared).map(|_| std::path::Component::ParentDir);
        up.chain(to.components().skip(shared)).collect()
    }

    /// Writes the file `name` in one step: a reader sees the old contents or the new ones, never a part.
    ///
    /// The new contents are on their way to the disk, but not waited for: a report can be made again at any time.
    pub fn write(&self, name: &str, contents: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
        self.write_together([name], |[out]| contents(out))
    }

    /// Writes several files whose contents come to light at the same time, each as `write` does.
    pub fn write_together<const N: usize>(
        &self,
        names: [&str; N],
        contents: impl FnOnce([&mut (dyn Write + Send); N]) -> io::Result<()>,
    ) -> Result<(), Error> {
        let write = || -> io::Result<()> {
            let (mut writers, mut places) = (Vec::with_capacity(N), Vec::with_capacity(N));
            for _ in names {
                let (file, place) = part(".", &self.path)?;
                writers.push(BufWriter::with_capacity(1 << 16, file));
                places.push(place);
            }
            let Ok(mut writers): Result<[_; N], _> = writers.try_into() else { unreachable!("as many as names") };
            contents(writers.each_mut().map(|writer| writer as &mut (dyn Write + Send)))?;
            for ((mut writer, place), name) in writers.into_iter().zip(places).zip(names) {
                writer.flush()?;
                place.persist(self.file(name)).map_err(|error| error.error)?;
            }
            Ok(())
        };
        write().map_err(|source| Error::io("write", &self.file(&names.join(", ")), source))
    }

    /// Removes the file `name` if it is there: a report of an earlier run that no longer holds.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", &path, source)),
            _ => Ok(()),
        }
    }
}

/// A new file in a folder, under a name that goes with it unless the file gets another one. Errors are the system's own:
/// those of `tempfile` end with that name, which tells nobody anything.
fn part(prefix: &str, folder: &Path) -> io::Result<(fs::File, TempPath)> {
    let mut options = fs::OpenOptions::new();
    // What an ordinary new file gets: the user's umask takes its part away.
    options.write(true).create_new(true);
    let file = tempfile::Builder::new().prefix(prefix).suffix(PART).make_in(folder, |path| options.open(path))?;
    Ok(file.into_parts())
}

/// Moves a results folder aside, to the first free name `NAME.old-1`, `NAME.old-2`, …; nothing is ever deleted.
///
/// Returns where it went, or None if there was nothing.
pub fn set_aside(path: &Path) -> Result<Option<PathBuf>, Error> {
    if !path.exists() {
        return Ok(None);
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".old-");
    for number in 1u64.. {
        let mut numbered = name.clone();
        numbered.push(number.to_string());
        let target = path.with_file_name(numbered);
        if !target.exists() {
            fs::rename(path, &target).map_err(|source| Error::io("move aside", path, source))?;
            return Ok(Some(target));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_killed_left_is_removed_once_it_is_old() {
        let home = tempfile::tempdir().unwrap();
        let made = |name: &str, seconds: u64| {
            let file = fs::File::create(home.path().join(name)).unwrap();
            let now = file.metadata().unwrap().modified().unwrap();
            file.set_modified(now - Duration::from_secs(seconds)).unwrap();
        };
        made(".abc.part", 7200);
        made(".def.part", 60);
        made("runs.csv", 7200);
        Folder::create(home.path()).unwrap();
        let left = [".abc.part", ".def.part", "runs.csv"].map(|name| home.path().join(name).exists());
        assert_eq!(left, [false, true, true]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_contents_and_no_rubbish() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::create(&home.path().join("results/silver")).unwrap();
        folder.write("a.csv", |out| out.write_all(b"old")).unwrap();
        let failed = folder.write("a.csv", |out| {
            out.write_all(b"half of the n")?;
            Err(io::Error::other("disk full"))
        });
        let message = failed.unwrap_err().to_string();
        assert!(message.contains("a.csv") && message.contains("disk full"), "{message}");
        assert_eq!(fs::read(folder.file("a.csv")).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        folder.remove("a.csv").unwrap();
        folder.remove("a.csv").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// The name that a file has while it is written is nobody's concern.
    #[cfg(unix)]
    #[test]
    fn what_cannot_be_written_is_told_by_its_own_name() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::create(&home.path().join("silver")).unwrap();
        fs::create_dir(folder.file("a.csv")).unwrap();
        let in_the_way = folder.write("a.csv", |out| out.write_all(b"x")).unwrap_err().to_string();
        fs::remove_dir_all(folder.path()).unwrap();
        let gone = folder.write("b.csv", |out| out.write_all(b"x")).unwrap_err().to_string();
        for (message, name) in [(in_the_way, "a.csv"), (gone, "b.csv")] {
            assert!(message.contains(name) && message.ends_with(')') && !message.contains(PART), "{message}");
        }
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("silver");
        fs::write(&path, "not a folder").unwrap();
        assert!(matches!(Folder::create(&path), Err(Error::NotFolder(_))));
        assert!(Folder::create(&path.join("below")).is_err());
    }

    #[test]
    fn old_results_are_moved_and_kept() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("silver");
        assert_eq!(set_aside(&path).unwrap(), None);
        for number in 1..=2 {
            Folder::create(&path).unwrap();
            assert_eq!(set_aside(&path).unwrap().unwrap(), home.path().join(format!("silver.old-{number}")));
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
    }
}
