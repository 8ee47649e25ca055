use ipnet::IpNet;

/// How links are found and checked. The numbers are bounds: nothing from outside can exceed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How we present ourselves; robots.txt is searched for the part before the first `/`. Default `trawl/<version>`.
    pub user_agent: String,
    /// Networks that may be asked although they are not public, as in `192.168.0.0/16`. Default none.
    pub allow_networks: Vec<IpNet>,
    /// Longest time to set up a connection, name lookup included, in milliseconds. Default 10,000.
    pub connect_timeout_ms: u64,
    /// Longest time from sending one request to the last byte of its answer, in milliseconds. Default 20,000.
    pub timeout_ms: u64,
    /// Redirects that are followed from one link. Default 10.
    pub max_redirects: usize,
    /// Requests for one link, the first included, while its trouble looks temporary. Default 5: with one connection
    /// in a hundred reset, one link in ten thousand million is judged wrongly.
    pub attempts: u32,
    /// Upper bound of the first wait between two attempts, in milliseconds; it doubles with each further one.
    /// Default 200.
    pub backoff_ms: u64,
    /// Upper bound of every wait that we choose ourselves, in milliseconds. Default 5,000.
    pub max_backoff_ms: u64,
    /// Longest `Retry-After` that is waited for, in milliseconds; who asks for more is left alone. Default 60,000.
    pub max_retry_after_ms: u64,
    /// Requests at a time, over all hosts. Default 64.
    pub concurrency: usize,
    /// Requests at a time to one host (name and port). Default 6, as browsers do.
    pub per_host_concurrency: usize,
    /// Least time between the starts of two requests to one host, in milliseconds; 0 is off. Default 0.
    pub per_host_interval_ms: u64,
    /// Longest `Crawl-delay` of a robots.txt that is honoured, in milliseconds. Default 10,000.
    pub max_crawl_delay_ms: u64,
    /// Hosts whose pace is remembered; idle ones are forgotten beyond it. Default 1,000.
    pub max_hosts: usize,
    /// Largest part of a page that is searched for links, in bytes after decompression. Default 4 MiB.
    pub max_page_bytes: usize,
    /// Links that are taken from one page. Default 5,000.
    pub max_links_per_page: usize,
    /// Element ids that are taken from one page. Default 20,000.
    pub max_ids_per_page: usize,
    /// Longest URL, in bytes. Default 4,096.
    pub max_url_bytes: usize,
    /// Verdicts that are remembered. Default 20,000.
    pub cache_entries: usize,
    /// How long a verdict is remembered, in milliseconds. Default 600,000.
    pub cache_ttl_ms: u64,
    /// How long the verdict `error` is remembered, in milliseconds: it may pass. Default 60,000.
    pub error_cache_ttl_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            user_agent: concat!("trawl/", env!("CARGO_PKG_VERSION")).to_owned(),
            allow_networks: Vec::new(),
            connect_timeout_ms: 10_000,
            timeout_ms: 20_000,
            max_redirects: 10,
            attempts: 5,
            backoff_ms: 200,
            max_backoff_ms: 5_000,
            max_retry_after_ms: 60_000,
            concurrency: 64,
            per_host_concurrency: 6,
            per_host_interval_ms: 0,
            max_crawl_delay_ms: 10_000,
            max_hosts: 1_000,
            max_page_bytes: 4 << 20,
            max_links_per_page: 5_000,
            max_ids_per_page: 20_000,
            max_url_bytes: 4_096,
            cache_entries: 20_000,
            cache_ttl_ms: 600_000,
            error_cache_ttl_ms: 60_000,
        }
    }
}
