//! What the program does beside serving.

use crate::{
    database,
    export::{self, Export, ExportError, Sight},
};
use clap::Args;
use futures_util::StreamExt as _;
use std::{
    io::{self, IsTerminal as _, Write},
    path::{Path, PathBuf},
    pin::pin,
};
use trawl_settings::{Settings, exit};
use trawl_store::{StoreError, areas};

/// Why a command failed: an exit code and a sentence.
pub type Failure = (u8, String);

/// `export`: everything of one kind in one file.
#[derive(Debug, Clone, Args)]
pub struct ExportArguments {
    /// A kind in the plural and a format: issues.csv, pipelines.jsonl, commits.parquet
    #[arg(value_name = "KIND.FORMAT")]
    pub file: String,
    /// Only of the group or project with this path
    #[arg(long, value_name = "PATH")]
    pub area: Option<String>,
    /// Where to write it [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Writes a file of all that is mirrored of a kind, whoever may see it: whoever runs this may read the database.
///
/// # Errors
/// In words.
pub async fn export(settings: &Settings, arguments: &ExportArguments) -> Result<(), Failure> {
    let what = export::parse(&arguments.file).map_err(|why| (2, why))?;
    if arguments.output.is_none() && what.1 == export::Format::Parquet && io::stdout().is_terminal() {
        return Err((2, "Parquet is not for terminals; name a file with --output".to_owned()));
    }
    let db = database::open(settings, true).await.map_err(|error| (exit::DATABASE, error.to_string()))?;
    let database = |error: StoreError| (exit::DATABASE, error.to_string());
    let area = match &arguments.area {
        None => None,
        Some(path) => {
            let all = db.read(areas::all).await.map_err(database)?;
            let found = all.iter().find(|area| area.full_path.eq_ignore_ascii_case(path.trim_matches('/')));
            let unknown =
                || (2, format!("no group or project {path} is mirrored; see the page Explore for those that are"));
            Some(found.ok_or_else(unknown)?.id())
        }
    };
    let export = Export::new(db, Sight::Everything, what, area).map_err(|error| (1, error.to_string()))?;
    match &arguments.output {
        None => write(export, io::stdout().lock()).await.map(drop),
        Some(path) => {
            let bytes = to_file(export, path).await?;
            writeln!(io::stderr(), "{}: {bytes} bytes", path.display()).ok();
            Ok(())
        }
    }
}

/// Under another name first, so that a file that is there is whole.
async fn to_file(export: Export, path: &Path) -> Result<u64, Failure> {
    let failed = |error: io::Error| (1, format!("cannot write {}: {error}", path.display()));
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = directory.join(format!(".{name}.unfinished"));
    let file = std::fs::File::create(&unfinished).map_err(failed)?;
    let written = write(export, io::BufWriter::new(&file)).await;
    let done = written.and_then(|bytes| {
        file.sync_all().map_err(failed)?;
        std::fs::rename(&unfinished, path).map_err(failed)?;
        Ok(bytes)
    });
    if done.is_err() {
        std::fs::remove_file(&unfinished).ok();
    }
    done
}

async fn write(export: Export, mut out: impl Write) -> Result<u64, Failure> {
    let mut parts = pin!(export.parts());
    let mut bytes = 0;
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error: ExportError| (exit::DATABASE, error.to_string()))?;
        bytes += part.len() as u64;
        match out.write_all(&part) {
            // Whoever reads has enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(bytes),
            written => written.map_err(|error| (1, format!("cannot write: {error}")))?,
        }
    }
    out.flush().map_err(|error| (1, format!("cannot write: {error}")))?;
    Ok(bytes)
}
