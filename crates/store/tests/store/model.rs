//! Random histories of jobs against a plain model, and the same history on both databases.

use crate::world::{AT_ONCE, World, completed, execute, failed};
use proptest::{prelude::*, test_runner::TestRunner};
use std::collections::HashMap;
use trawl_jobs::{AreaId, ErrorClass, JobId, JobSpec, Lane, Outcome, Progress, State, Step, kind, rank};
use trawl_store::{
    StoreError,
    jobs::{self, Job, NewJob},
    leases::{self, Advance, Standing},
};

const KEYS: usize = 4;
const MAX_ATTEMPTS: i32 = 3;

/// What happens next. Numbers choose among the jobs that there are.
#[derive(Debug, Clone)]
enum Event {
    Submit(usize),
    Claim { any: usize, normal: usize },
    Report { job: usize, seq: i64, done: f64 },
    End(usize, Outcome),
    Abort(usize),
    Retry(usize),
    WakeDue,
    WakeForCredentials,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    use ErrorClass::{Crashed, Credentials, Permanent, RateLimited, Transient};
    let mut outcomes = vec![completed(), Outcome::Aborted, Outcome::HandedBack];
    // Another attempt at once, so that a history needs no clock.
    outcomes.extend([Permanent, Transient, Transient, Credentials, RateLimited, Crashed, Crashed].map(|class| {
        let Outcome::Failed(mut error) = failed(class) else { unreachable!("`failed` makes failures") };
        error.retry_after_ms = Some(0);
        Outcome::Failed(error)
    }));
    let event = prop_oneof![
        3 => (0..KEYS).prop_map(Event::Submit),
        4 => (0..4_usize, 0..4_usize).prop_map(|(any, normal)| Event::Claim { any, normal }),
        2 => (any::<usize>(), 0..4_i64, 0.0..=1.0).prop_map(|(job, seq, done)| Event::Report { job, seq, done }),
        4 => (any::<usize>(), proptest::sample::select(outcomes)).prop_map(|(job, outcome)| Event::End(job, outcome)),
        1 => any::<usize>().prop_map(Event::Abort),
        2 => any::<usize>().prop_map(Event::Retry),
        1 => Just(Event::WakeDue),
        1 => Just(Event::WakeForCredentials),
    ];
    proptest::collection::vec(event, 1..50)
}

/// A job as it should be, or as it is: the same on every database.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    key: usize,
    state: State,
    wait_reason: Option<&'static str>,
    attempt: i32,
    crashes: i32,
    lease_token: i64,
    seq: i64,
    progress: f64,
}

/// All jobs, in the order of their submission, and the order in which they are claimed. All are of one share.
#[derive(Default)]
struct Model {
    jobs: Vec<Seen>,
    ranks: Vec<i64>,
    clocks: HashMap<&'static str, i64>,
    turns: HashMap<i32, i64>,
}

impl Model {
    fn live(&self, key: usize) -> Option<usize> {
        self.jobs.iter().position(|job| job.key == key && job.state.is_live())
    }

    /// Whether it is legal; if so it is done.
    fn step(&mut self, job: usize, step: Step) -> bool {
        let Ok(to) = self.jobs[job].state.after(step) else { return false };
        self.jobs[job].state = to;
        self.jobs[job].wait_reason = None;
        true
    }

    fn rank(&mut self, key: usize) -> i64 {
        let priority = priority(key);
        let clock = self.clocks.get(lane(key).as_str()).copied().unwrap_or(0);
        let turn = rank::turn(clock, self.turns.get(&priority).copied());
        self.turns.insert(priority, turn);
        rank::rank(turn, priority)
    }

    /// What a submission answers: which job, and whether it is new.
    fn submit(&mut self, key: usize) -> (usize, bool) {
        if let Some(live) = self.live(key) {
            return (live, false);
        }
        let (state, seq, progress) = (State::Queued, 0, 0.0);
        self.jobs.push(Seen { key, state, wait_reason: None, attempt: 0, crashes: 0, lease_token: 0, seq, progress });
        let rank = self.rank(key);
        self.ranks.push(rank);
        (self.jobs.len() - 1, true)
    }

    fn claim(&mut self, any: usize, normal: usize) -> Vec<usize> {
        let mut claimed = Vec::new();
        for (lane, limit) in [(Lane::Priority, any), (Lane::Normal, normal)] {
            let mut ready: Vec<usize> = (0..self.jobs.len())
                .filter(|job| self.jobs[*job].state == State::Queued && self::lane(self.jobs[*job].key) == lane)
                .collect();
            ready.sort_by_key(|job| (self.ranks[*job], *job));
            ready.truncate(limit.min(any - claimed.len()));
            for job in &ready {
                let turn = rank::turn_of(self.ranks[*job], priority(self.jobs[*job].key));
                let clock = self.clocks.entry(lane.as_str()).or_insert(turn);
                *clock = turn.max(*clock);
            }
            claimed.extend(ready);
        }
        for job in &claimed {
            assert!(self.step(*job, Step::Claim));
            let job = &mut self.jobs[*job];
            (job.attempt, job.lease_token, job.seq) = (job.attempt + 1, job.lease_token + 1, 0);
        }
        claimed
    }

    fn report(&mut self, job: usize, seq: i64, done: f64) -> bool {
        let job = &mut self.jobs[job];
        let fresh = job.state.is_leased() && seq == job.seq + 1;
        if fresh {
            job.seq = seq;
            job.progress = job.progress.max(done.min(0.999));
        }
        fresh
    }

    fn end(&mut self, index: usize, outcome: &Outcome) -> bool {
        let job = &mut self.jobs[index];
        if !job.state.is_leased() {
            return false;
        }
        let asked_to_stop = job.state == State::Aborting;
        let mut reason = None;
        let step = match outcome {
            Outcome::Completed { .. } => Step::Complete,
            Outcome::Aborted if asked_to_stop => Step::EndAbort,
            Outcome::Aborted | Outcome::HandedBack => {
                job.attempt -= 1;
                Step::Requeue
            }
            Outcome::Failed(error) => match error.class {
                ErrorClass::Permanent => Step::Fail,
                ErrorClass::Transient if job.attempt >= MAX_ATTEMPTS => Step::Fail,
                ErrorClass::Transient => Step::Requeue,
                ErrorClass::Credentials | ErrorClass::RateLimited => {
                    job.attempt -= 1;
                    reason = Some(error.class.as_str());
                    Step::Park
                }
                ErrorClass::Crashed => {
                    job.crashes += 1;
                    if job.crashes >= AT_ONCE.max_crashes {
                        Step::Fail
                    } else {
                        job.attempt -= 1;
                        Step::Requeue
                    }
                }
            },
        };
        assert!(self.step(index, step));
        let job = &mut self.jobs[index];
        job.wait_reason = reason.filter(|_| job.state == State::Waiting);
        if job.state == State::Completed {
            job.progress = 1.0;
        }
        true
    }

    fn retry(&mut self, job: usize) -> bool {
        let free = self.live(self.jobs[job].key).is_none();
        if !free || !self.step(job, Step::Retry) {
            return false;
        }
        (self.jobs[job].attempt, self.jobs[job].crashes) = (0, 0);
        self.ranks[job] = self.rank(self.jobs[job].key);
        true
    }

    fn wake(&mut self, reason: ErrorClass) -> usize {
        let waiting: Vec<usize> =
            (0..self.jobs.len()).filter(|job| self.jobs[*job].wait_reason == Some(reason.as_str())).collect();
        for job in &waiting {
            assert!(self.step(*job, Step::Wake));
        }
        waiting.len()
    }
}

fn spec(key: usize) -> JobSpec {
    match key {
        0 => JobSpec::AuthorizationScope(kind::AuthorizationScope {}),
        1 => JobSpec::Project(kind::Project {}),
        2 => JobSpec::Issues(kind::Issues::default()),
        _ => JobSpec::MergeRequests(kind::MergeRequests::default()),
    }
}

fn priority(key: usize) -> i32 {
    spec(key).default_priority()
}

fn lane(key: usize) -> Lane {
    Lane::of(priority(key), 90)
}

/// One history on one database, compared with the model after each event.
struct Run<'a> {
    world: &'a World,
    area: AreaId,
    ids: Vec<JobId>,
    model: Model,
}

impl Run<'_> {
    fn pick(&self, number: usize) -> Option<usize> {
        (!self.ids.is_empty()).then(|| number % self.ids.len())
    }

    fn new_job(&self, key: usize) -> NewJob {
        NewJob { max_attempts: MAX_ATTEMPTS, ..self.world.job(spec(key), self.area) }
    }

    async fn happen(&mut self, event: &Event) {
        let world = self.world;
        match event {
            Event::Submit(key) => {
                let new = self.new_job(*key);
                let answer = world.write(move |conn| jobs::submit(conn, &new)).await;
                let (job, created) = self.model.submit(*key);
                if created {
                    self.ids.push(answer.id);
                }
                assert_eq!((answer.id, answer.created), (self.ids[job], created));
            }
            Event::Claim { any, normal } => {
                let claimed = world.claim("w", *any, *normal).await.claimed;
                let claimed: Vec<JobId> = claimed.iter().map(|claimed| claimed.job.id().unwrap()).collect();
                let expected: Vec<JobId> = self.model.claim(*any, *normal).iter().map(|job| self.ids[*job]).collect();
                assert_eq!(claimed, expected);
            }
            Event::Report { job, seq, done } => {
                let Some(job) = self.pick(*job) else { return };
                let done_well = report(world, self.ids[job], *seq, *done).await;
                assert_eq!(done_well, self.model.report(job, *seq, *done));
            }
            Event::End(job, outcome) => {
                let Some(job) = self.pick(*job) else { return };
                let (mut row, said) = (world.get(self.ids[job]).await, outcome.clone());
                let ended = world.db.write(move |conn| leases::end(conn, &mut row, None, &said, &AT_ONCE, 0.0)).await;
                assert_eq!(legal(ended), self.model.end(job, outcome));
            }
            Event::Abort(job) => {
                let Some(job) = self.pick(*job) else { return };
                let id = self.ids[job];
                let aborted = legal(world.db.write(move |conn| jobs::abort(conn, id)).await);
                let twice = self.model.jobs[job].state == State::Aborting;
                assert_eq!(aborted, twice || self.model.step(job, Step::Abort));
            }
            Event::Retry(job) => {
                let Some(job) = self.pick(*job) else { return };
                let id = self.ids[job];
                let retried = legal(world.db.write(move |conn| jobs::retry(conn, id)).await);
                assert_eq!(retried, self.model.retry(job));
            }
            Event::WakeDue => {
                assert_eq!(world.write(jobs::wake_due).await, self.model.wake(ErrorClass::RateLimited));
            }
            Event::WakeForCredentials => {
                let instance = world.instance;
                let woken = world.write(move |conn| jobs::wake_for_credentials(conn, instance)).await;
                assert_eq!(woken, self.model.wake(ErrorClass::Credentials));
            }
        }
    }

    async fn seen(&self) -> Vec<Seen> {
        let ids = self.ids.clone();
        let mut rows: Vec<Job> = self.world.read(move |conn| jobs::states(conn, &ids, None)).await;
        rows.sort_by_key(|row| self.ids.iter().position(|id| *id == row.id().unwrap()));
        let seen = |row: Job| Seen {
            key: (0..KEYS).find(|key| spec(*key).kind() == row.kind).unwrap(),
            state: row.state().unwrap(),
            wait_reason: row
                .wait_reason
                .as_deref()
                .map(|reason| if reason == "credentials" { "credentials" } else { "rate_limited" }),
            attempt: row.attempt,
            crashes: row.crashes,
            lease_token: row.lease_token,
            seq: row.report_seq,
            progress: row.progress,
        };
        rows.into_iter().map(seen).collect()
    }
}

async fn report(world: &World, id: JobId, seq: i64, done: f64) -> bool {
    let lease = world.get(id).await.lease().unwrap();
    let mut progress = Progress::new(&[("a", 1.0)]);
    progress.set(&["a"], done, trawl_store::now());
    world
        .write(move |conn| {
            let mut jobs = leases::load(conn, &[id])?;
            let job = jobs.get_mut(&id).ok_or(StoreError::NotFound)?;
            if leases::standing(Some(job), "w", lease, seq)? != Standing::Fresh {
                return Ok(false);
            }
            let advance = Advance { seq, progress: Some(&progress), cursor: None };
            leases::advance(conn, job, advance).map(|()| true)
        })
        .await
}

/// Whether it was done; what is refused is refused for the right reason.
fn legal<T: std::fmt::Debug>(result: Result<T, StoreError>) -> bool {
    match result {
        Ok(_) => true,
        Err(StoreError::Illegal(_)) => false,
        Err(error) if error.is_duplicate() => false,
        Err(error) => panic!("{error}"),
    }
}

async fn history(world: &World, events: &[Event]) -> Vec<Vec<Seen>> {
    world
        .write(|conn| {
            execute(conn, "DELETE FROM turns")?;
            execute(conn, "DELETE FROM job_rows")
        })
        .await;
    let mut run = Run { world, area: world.area(1).await, ids: Vec::new(), model: Model::default() };
    let mut history = Vec::new();
    for event in events {
        run.happen(event).await;
        let seen = run.seen().await;
        assert_eq!(seen, run.model.jobs, "after {event:?}");
        for key in 0..KEYS {
            assert!(seen.iter().filter(|job| job.key == key && job.state.is_live()).count() <= 1, "{seen:?}");
        }
        world.assert_counters_are_exact().await;
        history.push(seen);
    }
    history
}

#[test]
fn a_history_is_the_same_in_the_model_and_on_both_databases() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let sqlite = runtime.block_on(World::sqlite());
    let postgres = runtime.block_on(World::postgres());
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() });
    let outcome = runner.run(&events(), |events| {
        let on_sqlite = runtime.block_on(history(&sqlite, &events));
        if let Some(postgres) = &postgres {
            prop_assert_eq!(on_sqlite, runtime.block_on(history(postgres, &events)));
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
