//! Traces of requests, read from the formats they are published in. The repository holds none of them: each comes
//! from its own project, and the directory that holds them is named on the command line.

use hashbrown::HashMap;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Where the traces come from, for whoever has none.
pub const SOURCES: &str = "\
the traces are not part of this repository. Put any of these files into one directory, packed as shown:
  OLTP, P2, P3, P6 .lis.zst            moka-rs/cache-trace: ARC traces (Megiddo and Modha, FAST'03)
  w106, orm-busy, web07, web12 .trace.xz   ben-manes/caffeine: CloudPhysics and cache2k, big-endian 32-bit numbers
  request.trace.xz                     ben-manes/caffeine: AdaptSize, lines of `time key size`
  cloudPhysicsIO.oracleGeneral.bin.zst libCacheSim: records of 24 bytes";

/// A trace: which object each request asks for. Objects are numbered from 0 in the order they are first asked for.
#[derive(Debug)]
pub struct Trace {
    /// The file's name up to its first dot.
    pub name: String,
    /// The objects asked for.
    pub requests: Vec<u32>,
    /// How many there are.
    pub objects: usize,
}

impl Trace {
    /// Numbers the objects of a stream of identities; `most` is where to stop.
    fn number(name: &str, identities: impl Iterator<Item = u64>, most: usize) -> Trace {
        let mut numbers: HashMap<u64, u32> = HashMap::new();
        let requests: Vec<u32> = identities
            .take(most)
            .map(|identity| {
                let next = numbers.len() as u32;
                *numbers.entry(identity).or_insert(next)
            })
            .collect();
        Trace { name: name.into(), requests, objects: numbers.len() }
    }
}

/// How a file tells its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// Lines of `first count ignored number`: the blocks from `first` on, `count` of them.
    Arc,
    /// Big-endian 32-bit numbers.
    Numbers,
    /// Lines of `time key size`.
    Lines,
    /// Little-endian records of 24 bytes: time 4, identity 8, size 4, next 8.
    OracleGeneral,
}

impl Format {
    /// By the file's name; `None` is no trace.
    fn of(name: &str) -> Option<Format> {
        Some(match name {
            "request.trace.xz" => Format::Lines,
            _ if name.ends_with(".trace.xz") => Format::Numbers,
            _ if name.ends_with(".lis.zst") => Format::Arc,
            _ if name.ends_with(".oracleGeneral.bin.zst") => Format::OracleGeneral,
            _ => return None,
        })
    }

    fn parse(self, name: &str, bytes: &[u8], most: usize) -> io::Result<Trace> {
        Ok(match self {
            Format::Arc => {
                let blocks = lines(bytes)?.flat_map(|[first, count]| first..first + count);
                Trace::number(name, blocks, most)
            }
            Format::Lines => Trace::number(name, lines(bytes)?.map(|[_, key]| key), most),
            Format::Numbers => {
                let number = |four: &[u8]| four.iter().fold(0, |sum, b| sum << 8 | u64::from(*b));
                Trace::number(name, bytes.chunks_exact(4).map(number), most)
            }
            Format::OracleGeneral => {
                let identity = |record: &[u8]| {
                    record[4..12].iter().rfold(0, |sum, b| sum << 8 | u64::from(*b))
                };
                Trace::number(name, bytes.chunks_exact(24).map(identity), most)
            }
        })
    }
}

/// The first two numbers of each line.
fn lines(bytes: &[u8]) -> io::Result<impl Iterator<Item = [u64; 2]>> {
    let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
    let pair = |line: &str| {
        let mut words = line.split_ascii_whitespace().map(str::parse);
        Some([words.next()?.ok()?, words.next()?.ok()?])
    };
    let pairs: Option<Vec<[u64; 2]>> =
        text.lines().filter(|line| !line.trim().is_empty()).map(pair).collect();
    Ok(pairs.ok_or_else(|| io::Error::other("a line does not begin with two numbers"))?.into_iter())
}

fn unpack(path: &Path) -> io::Result<Vec<u8>> {
    let file = BufReader::new(File::open(path)?);
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|extension| extension == "xz") {
        XzReader::new(file, true).read_to_end(&mut bytes)?;
    } else {
        StreamingDecoder::new(file).map_err(io::Error::other)?.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Reads one trace, at most the first `most` requests of it.
fn read(path: &Path, most: usize) -> io::Result<Trace> {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let format = Format::of(&file).ok_or_else(|| io::Error::other("no known format"))?;
    let name = file.split('.').next().unwrap_or(&file);
    format.parse(name, &unpack(path)?, most)
}

/// Every trace of a directory, by name, at most the first `most` requests of each; an error names its file.
pub fn read_all(directory: &Path, most: usize) -> io::Result<Vec<Trace>> {
    let at =
        |path: &Path, error: io::Error| io::Error::other(format!("{}: {error}", path.display()));
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .map_err(|error| at(directory, error))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name().is_some_and(|name| Format::of(&name.to_string_lossy()).is_some())
        })
        .collect();
    paths.sort();
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            paths.iter().map(|path| (path, scope.spawn(move || read(path, most)))).collect();
        let trace =
            |(path, reader): (&PathBuf, std::thread::ScopedJoinHandle<io::Result<Trace>>)| {
                let trace = reader.join().map_err(|_| io::Error::other("its reader panicked"));
                trace.and_then(|read| read).map_err(|error| at(path, error))
            };
        readers.into_iter().map(trace).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_tells_its_objects() {
        let parse = |format: Format, bytes: &[u8]| {
            format.parse("t", bytes, usize::MAX).expect("it is well formed").requests
        };
        assert_eq!(parse(Format::Arc, b"7 3 0 0\n8 1 0 1\n\n5 1 0 2\n"), [0, 1, 2, 1, 3]);
        assert_eq!(parse(Format::Lines, b"1 68 100\n2 9 100\n3 68 100\n"), [0, 1, 0]);
        assert_eq!(parse(Format::Numbers, &[0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0]), [0, 1, 0]);
        let mut record = [0_u8; 48];
        record[4] = 1;
        record[24 + 11] = 1;
        assert_eq!(parse(Format::OracleGeneral, &record), [0, 1]);
    }

    #[test]
    fn a_trace_is_cut_and_a_bad_one_refused() {
        let cut = Format::Lines.parse("t", b"1 1 1\n2 2 1\n3 3 1\n", 2).expect("it is well formed");
        assert_eq!((cut.requests.len(), cut.objects), (2, 2));
        assert!(Format::Arc.parse("t", b"what is this\n", 9).is_err());
        assert_eq!(Format::of("README.md"), None);
    }
}
