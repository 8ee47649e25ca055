//! What is mirrored, in files for other programs: by the command line and by HTTP, in every format the same.

use crate::harness::{Site, System, forge};
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::RowAccessor as _,
};
use std::fs;

/// Numbers that GitLab gave, in a Parquet file.
fn numbers(path: &std::path::Path) -> Vec<i64> {
    let file = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
    let column = file.metadata().file_metadata().schema_descr().columns().iter().position(|c| c.name() == "gitlab_id");
    let column = column.unwrap();
    file.get_row_iter(None).unwrap().map(|row| row.unwrap().get_long(column).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_everything_in_every_format() {
    // More than one group of rows in Parquet.
    let site = Site::linked(System::new(), forge(2.0)).await;
    let database = site.crawled().await;
    let all = usize::try_from(database.number("SELECT count(*) AS v FROM issues")).unwrap();
    assert!(all > 4000, "{all}");
    let path = |name: &str| site.system.path(name);
    for format in ["csv", "jsonl", "parquet"] {
        let (file, output) = (format!("issues.{format}"), path(&format!("out.{format}")));
        let done = site.system.run("supervisor", &["export", &file, "--output", output.to_str().unwrap()]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(told.contains(&format!("{} bytes", fs::metadata(&output).unwrap().len())), "{told}");
    }
    let lines = fs::read_to_string(path("out.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), all);
    let told = lines.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["gitlab_id"].as_i64().unwrap()
    });
    let numbers_of_file = numbers(&path("out.parquet"));
    assert_eq!(numbers_of_file, told.collect::<Vec<_>>());
    assert_eq!(fs::read_to_string(path("out.csv")).unwrap().lines().filter(|line| !line.is_empty()).count(), all + 1);

    // To standard output, and of one project alone.
    let one = site.system.run("supervisor", &["export", "issues.jsonl", "--area", "platform/gateway"]);
    let of_it =
        "SELECT count(*) AS v FROM issues i JOIN areas a ON a.id = i.area_id WHERE a.full_path = 'platform/gateway'";
    let lines = String::from_utf8(one.stdout).unwrap();
    assert_eq!(lines.lines().count(), usize::try_from(database.number(of_it)).unwrap());
    assert!(lines.lines().all(|line| line.contains("\"area\":\"platform/gateway\"")));

    // By HTTP, as far as the user may see it.
    let answer = site.client.get("/api/export/labels.parquet").await;
    assert_eq!(answer.status, 200);
    for (arguments, wants) in [
        (&["export", "frogs.csv"][..], "there is no file"),
        (&["export", "issues.csv", "--area", "no/such"], "no group or project no/such"),
        (&["export", "issues.csv", "--output", "/no/such/dir/x.csv"], "cannot write /no/such/dir/x.csv"),
    ] {
        let refused = site.system.run("supervisor", arguments);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(wants), "{arguments:?}: {said}");
    }
    assert!(
        !fs::read_dir(path(""))
            .unwrap()
            .any(|entry| { entry.unwrap().file_name().to_string_lossy().contains("unfinished") })
    );
}
