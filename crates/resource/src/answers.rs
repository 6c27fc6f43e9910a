use std::time::{Duration, Instant};

use alias_domain::Digest;
use moka::future::Cache;

use crate::{CacheTime, introspection::Verdict};

/// The most tokens whose answers are kept.
const MOST: u64 = 10_000;

/// Alias could not be asked; what asked has logged why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unavailable;

/// Answers of Alias, by the digest of the token. One serves every look-up that begins within the
/// cache time after it was asked for, so that no look-up sees an older state than that, however
/// slowly the answer came. Look-ups of one token at the same time share a request. A failure is
/// not kept.
pub(crate) struct Answers {
    time: Duration,
    kept: Cache<[u8; 32], Answer>,
}

#[derive(Clone)]
struct Answer {
    asked_at: Instant,
    verdict: Verdict,
}

impl Answers {
    pub(crate) fn new(time: CacheTime) -> Self {
        let time = time.duration();
        Self {
            time,
            kept: Cache::builder()
                .max_capacity(MOST)
                .time_to_live(time)
                .build(),
        }
    }

    /// The answer for a token, asked for if none serves.
    pub(crate) async fn find<A>(
        &self,
        token: Digest,
        now: impl Fn() -> Instant,
        ask: impl Fn() -> A,
    ) -> Result<Verdict, Unavailable>
    where
        A: Future<Output = Result<Verdict, Unavailable>>,
    {
        if self.time.is_zero() {
            return ask().await;
        }
        let (key, begun) = (token.bytes(), now());
        loop {
            let asking = async {
                let asked_at = now();
                let verdict = ask().await?;
                Ok::<_, Unavailable>(Answer { asked_at, verdict })
            };
            let found = self.kept.try_get_with(key, asking).await;
            let answer = found.map_err(|failure| *failure)?;
            if begun.saturating_duration_since(answer.asked_at) < self.time {
                return Ok(answer.verdict);
            }
            // Kept too long, or shared with a look-up that began too long ago. The next one is
            // asked for after this look-up began, whoever asks.
            self.kept.invalidate(&key).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    };

    use alias_domain::Scope;
    use futures_util::future::{join, join_all};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::grant::tests::grant;

    /// A clock that stands still, and an Alias that counts how often it is asked.
    struct Scene {
        start: Instant,
        seconds: AtomicU64,
        asked: AtomicUsize,
        answers: Answers,
    }

    impl Scene {
        fn new(seconds: u64) -> Self {
            let time = CacheTime::try_from(Duration::from_secs(seconds));
            Self {
                start: Instant::now(),
                seconds: AtomicU64::new(0),
                asked: AtomicUsize::new(0),
                answers: Answers::new(time.expect("a cache time")),
            }
        }

        fn now(&self) -> Instant {
            self.start + Duration::from_secs(self.seconds.load(Ordering::Relaxed))
        }

        fn at(&self, seconds: u64) -> &Self {
            self.seconds.store(seconds, Ordering::Relaxed);
            self
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }

        async fn find(&self, token: &str, verdict: Result<Verdict, Unavailable>) -> Found {
            let digest = Digest::of(token.as_bytes());
            let ask = || async {
                self.asked.fetch_add(1, Ordering::Relaxed);
                verdict.clone()
            };
            self.answers.find(digest, || self.now(), ask).await
        }
    }

    type Found = Result<Verdict, Unavailable>;

    fn some() -> Found {
        Ok(Some(grant(&[Scope::OpenId], &[])))
    }

    #[actix_web::test]
    async fn an_answer_serves_again_within_its_time_and_no_longer() {
        for verdict in [some(), Ok(None)] {
            let scene = Scene::new(60);
            assert_eq!(scene.find("a", verdict.clone()).await, verdict);
            assert_eq!(scene.at(59).find("a", verdict.clone()).await, verdict);
            assert_eq!(scene.asked(), 1);
            scene
                .at(60)
                .find("a", verdict.clone())
                .await
                .expect("asked");
            assert_eq!(scene.asked(), 2);
            scene.at(119).find("a", verdict).await.expect("kept");
            assert_eq!(scene.asked(), 2, "its time begins when it is asked for");
        }
    }

    #[actix_web::test]
    async fn the_latest_answer_replaces_the_one_before() {
        let scene = Scene::new(60);
        assert_eq!(scene.find("a", some()).await, some());
        assert_eq!(scene.at(60).find("a", Ok(None)).await, Ok(None));
        assert_eq!(scene.at(61).find("a", some()).await, Ok(None));
    }

    #[actix_web::test]
    async fn each_token_has_its_own_answer() {
        let scene = Scene::new(60);
        assert_eq!(scene.find("a", some()).await, some());
        assert_eq!(scene.find("b", Ok(None)).await, Ok(None));
        assert_eq!(scene.find("a", Ok(None)).await, some());
        assert_eq!(scene.asked(), 2);
    }

    #[actix_web::test]
    async fn without_a_cache_time_every_look_up_asks_for_itself() {
        let scene = Scene::new(0);
        let rivals = (0..20).map(|_| scene.find("a", some()));
        join_all(rivals).await;
        assert_eq!(scene.asked(), 20);
    }

    #[actix_web::test]
    async fn a_failure_is_not_kept() {
        let scene = Scene::new(60);
        assert_eq!(scene.find("a", Err(Unavailable)).await, Err(Unavailable));
        assert_eq!(scene.find("a", some()).await, some());
        assert_eq!(scene.asked(), 2);
    }

    #[actix_web::test]
    async fn rivals_with_one_token_share_a_request() {
        let scene = Scene::new(60);
        let gate = Semaphore::new(0);
        let ask = || async {
            scene.asked.fetch_add(1, Ordering::Relaxed);
            let _passed = gate.acquire().await;
            some()
        };
        let token = Digest::of(b"a");
        let rivals = (0..20).map(|_| scene.answers.find(token, || scene.now(), ask));
        // The gate opens once each of them has begun.
        let (found, ()) = join(join_all(rivals), async { gate.add_permits(1) }).await;
        assert!(found.iter().all(|it| *it == some()));
        assert_eq!(scene.asked(), 1);
    }

    #[actix_web::test]
    async fn r24_who_shares_a_slow_answer_gets_none_from_before_its_time() {
        let scene = Scene::new(1);
        let gate = Semaphore::new(0);
        let token = Digest::of(b"a");
        let revoked = Cell::new(false);
        let ask = || async {
            scene.asked.fetch_add(1, Ordering::Relaxed);
            let worth = if revoked.get() { Ok(None) } else { some() };
            let _passed = gate.acquire().await;
            worth
        };
        let find = || scene.answers.find(token, || scene.now(), ask);
        let second = async {
            revoked.set(true);
            scene.at(5);
            let late = find();
            gate.add_permits(2);
            late.await
        };
        let (first, second) = join(find(), second).await;
        assert_eq!(first, some(), "it asked before");
        assert_eq!(second, Ok(None), "it began five seconds later");
        assert_eq!(scene.asked(), 2);
    }
}
