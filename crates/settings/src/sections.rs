//! The sections of `supervisor.toml`. What a key is for stands in that file; a test keeps the two in step.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};
use url::Url;

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `[server]`
    pub server: ServerSettings,
    /// `[paths]`
    pub paths: PathSettings,
    /// `[database]`
    pub database: DatabaseSettings,
    /// `[supervisor]`
    pub supervisor: SupervisorSettings,
    /// `[crawler]`
    pub crawler: CrawlerSettings,
    /// `[pipeline]`
    pub pipeline: PipelineSettings,
    /// `[forge]`
    pub forge: ForgeSettings,
    /// `[privacy]`
    pub privacy: PrivacySettings,
    /// `[links]`
    pub links: LinksSettings,
    /// `[retention]`
    pub retention: RetentionSettings,
    /// `[log]`
    pub log: LogSettings,
}

section! {
    /// Where people reach the website.
    ServerSettings {
        /// Address and port to listen on.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080)),
        /// The address that people type.
        public_url: Option<Url> = None,
    }
}

impl ServerSettings {
    /// The address that people type.
    #[must_use]
    pub fn url(&self) -> String {
        self.public_url
            .as_ref()
            .map_or_else(|| format!("http://{}", self.listen), |url| url.as_str().trim_end_matches('/').to_owned())
    }

    /// Whether people come over TLS, so that cookies can be kept to it.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

section! {
    /// Directories.
    PathSettings {
        /// Database and keys.
        state: Option<PathBuf> = None,
        /// Sockets and lock.
        runtime: Option<PathBuf> = None,
    }
}

/// How hard SQLite makes a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Synchronous {
    /// Survives a power cut.
    Full,
    /// Survives a crash of the program.
    Normal,
}

section! {
    /// The database.
    DatabaseSettings {
        /// `sqlite://…` or `postgres://…`.
        url: Option<String> = None,
        /// SQLite only.
        synchronous: Synchronous = Synchronous::Full,
        /// Connections that pages read with.
        read_connections: u32 = 4,
        /// Name of this node among those that share the database; none: the name of the host.
        node: Option<String> = None,
        /// Milliseconds; SQLite only.
        busy_timeout_ms: u32 = 5000,
    }
}

/// How crawlers are given credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialDelivery {
    /// Over a socket of their own; a change reaches them while they run.
    Socket,
    /// In their environment; a change restarts them.
    Environment,
}

section! {
    /// How processes are kept.
    SupervisorSettings {
        /// How crawlers are given credentials.
        credentials: CredentialDelivery = CredentialDelivery::Socket,
        /// Seconds from start to ready.
        ready_timeout_seconds: u64 = 30,
        /// Seconds from SIGTERM to SIGKILL.
        stop_grace_seconds: u64 = 10,
        /// Milliseconds before the first restart.
        restart_first_ms: u64 = 50,
        /// Seconds between restarts at most.
        restart_longest_seconds: u64 = 60,
        /// Seconds of being ready after which the pause is reset.
        restart_stable_seconds: u64 = 60,
        /// Crashes that make a process `failed` …
        start_limit: u32 = 10,
        /// … within so many seconds.
        start_limit_seconds: u64 = 120,
        /// Seconds without an answer after which a process is killed.
        watchdog_seconds: u64 = 15,
        /// Resident memory above which the website is started again. MiB; 0: any.
        website_memory_mib: u32 = 0,
        /// The same for each crawler.
        crawler_memory_mib: u32 = 0,
    }
}

section! {
    /// The crawlers.
    CrawlerSettings {
        /// Processes.
        instances: u16 = 1,
        /// Jobs at once in each.
        max_jobs: u16 = 8,
        /// Whether a crawler started by hand may join.
        accept_external: bool = true,
    }
}

section! {
    /// The job manager.
    PipelineSettings {
        /// Jobs at once in all.
        max_parallel_jobs: usize = 8,
        /// Slots that normal jobs may never take.
        priority_lane_slots: usize = 2,
        /// From here on a job is urgent.
        priority_threshold: i32 = 90,
        /// Milliseconds between heartbeats.
        heartbeat_ms: u64 = 2000,
        /// Seconds of silence after which a lease is void.
        stale_seconds: u64 = 15,
        /// Attempts before a job has failed.
        max_attempts_default: i32 = 5,
    }
}

section! {
    /// Reading GitLab.
    ForgeSettings {
        /// Seconds between looks for changes.
        incremental_seconds: u64 = 900,
        /// Seconds between passes over lists that are read whole.
        lists_seconds: u64 = 14_400,
        /// Seconds between passes that are about everything, so that what is gone is noticed.
        full_seconds: u64 = 172_800,
        /// Seconds between checks of what an account can reach.
        scope_seconds: u64 = 3600,
        /// Seconds by which passes overlap.
        overlap_seconds: u64 = 300,
        /// Seconds for one request.
        request_timeout_seconds: u64 = 30,
    }
}

section! {
    /// What is kept of people.
    PrivacySettings {
        /// Pseudonyms in the place of names, usernames and e-mail addresses.
        pseudonymize: bool = false,
    }
}

section! {
    /// Checking links.
    LinksSettings {
        /// Networks that may be asked although they are not public.
        allow_networks: Vec<IpNet> = Vec::new(),
        /// Requests to one host at a time.
        per_host_concurrency: usize = 6,
        /// Milliseconds between the starts of two requests to one host.
        per_host_interval_ms: u64 = 0,
        /// Seconds for one request.
        request_timeout_seconds: u64 = 20,
    }
}

section! {
    /// How long things are kept.
    RetentionSettings {
        /// Days that a job is kept after it has ended.
        past_jobs_days: u32 = 30,
        /// Jobs that have ended that are kept at most.
        past_jobs: i64 = 1_000_000,
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

section! {
    /// Logging.
    LogSettings {
        /// How lines look.
        format: LogFormat = LogFormat::Text,
        /// What is logged.
        filter: String = "info".to_owned(),
        /// Where lines are written to files as well.
        directory: Option<PathBuf> = None,
        /// Size of one file. MiB.
        max_file_mib: u32 = 50,
        /// Files kept beside the one that is written.
        keep_files: u32 = 10,
        /// Days for which a file is kept.
        keep_days: u32 = 30,
    }
}

impl Settings {
    /// Checks what types cannot: returns a sentence per contradiction.
    #[must_use]
    pub fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        let pipeline = &self.pipeline;
        if pipeline.max_parallel_jobs == 0 {
            found.push("pipeline.max_parallel_jobs is 0, so no job could ever run; set it to 1 or more".to_owned());
        }
        if pipeline.priority_lane_slots >= pipeline.max_parallel_jobs.max(1) {
            found.push(format!(
                "pipeline.priority_lane_slots ({}) leaves no slot for normal jobs; keep it below \
                 pipeline.max_parallel_jobs ({})",
                pipeline.priority_lane_slots, pipeline.max_parallel_jobs
            ));
        }
        if pipeline.heartbeat_ms == 0 || pipeline.heartbeat_ms * 2 >= pipeline.stale_seconds * 1000 {
            found.push(format!(
                "pipeline.heartbeat_ms ({}) must be above 0 and below half of pipeline.stale_seconds ({}), or living \
                 crawlers lose their jobs",
                pipeline.heartbeat_ms, pipeline.stale_seconds
            ));
        }
        if pipeline.stale_seconds > 86_400 {
            found.push(
                "pipeline.stale_seconds is above a day; dead crawlers would keep their jobs for as long".to_owned(),
            );
        }
        if pipeline.max_attempts_default < 1 {
            found.push("pipeline.max_attempts_default must be 1 or more".to_owned());
        }
        if self.crawler.max_jobs == 0 {
            found.push("crawler.max_jobs is 0, so no job could ever run; set it to 1 or more".to_owned());
        }
        if self.crawler.instances > 1000 {
            found.push("crawler.instances is above 1000; that many processes would not help".to_owned());
        }
        if self.log.max_file_mib == 0 {
            found.push("log.max_file_mib is 0, so no line would fit into a file; set it to 1 or more".to_owned());
        }
        for (key, mib) in
            [("website", self.supervisor.website_memory_mib), ("crawler", self.supervisor.crawler_memory_mib)]
        {
            if (1..32).contains(&mib) {
                found.push(format!(
                    "supervisor.{key}_memory_mib ({mib}) is below 32, so it would never run for long; raise it, or set \
                     it to 0 for no limit"
                ));
            }
        }
        if self.retention.past_jobs < 0 {
            found.push("retention.past_jobs must be 0 or more".to_owned());
        }
        if self.links.per_host_concurrency == 0 {
            found.push(
                "links.per_host_concurrency is 0, so no link could ever be checked; set it to 1 or more".to_owned(),
            );
        }
        if self.database.read_connections == 0 {
            found.push("database.read_connections must be 1 or more".to_owned());
        }
        if let Some(url) = &self.database.url
            && !["sqlite://", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme))
        {
            found.push("database.url must begin with sqlite:// or postgres://".to_owned());
        }
        found
    }
}
