//! How often one name may start or ask something, so that a script gone wild does not take the machine
//! from everybody else.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::{Policy, Role};

/// Names that are counted at the same time. Beyond that they share one count.
const MAX_NAMES: usize = 1024;
/// Whose count it is then. No token has this name.
const EVERYBODY_ELSE: &str = "";

/// Counts starts by name: so many at once, and again as the minute passes.
pub struct RateLimit<C: Clock = DefaultClock> {
    limiter: RateLimiter<String, HashMapStateStore<String>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl<C: Clock> fmt::Debug for RateLimit<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RateLimit(..)")
    }
}

impl RateLimit {
    /// A limiter by the system's monotonic clock.
    #[must_use]
    pub fn new(starts_per_minute: NonZeroU32) -> Self {
        Self::with_clock(starts_per_minute, DefaultClock::default())
    }
}

impl<C: Clock + Clone> RateLimit<C> {
    /// A limiter by `clock`.
    fn with_clock(starts_per_minute: NonZeroU32, clock: C) -> Self {
        let quota = Quota::per_minute(starts_per_minute);
        Self { limiter: RateLimiter::hashmap_with_clock(quota, clock.clone()), clock }
    }

    /// Counts a start by `name`.
    ///
    /// # Errors
    /// When it has started enough for now: how long to wait before the next try.
    pub fn check(&self, name: &str) -> Result<(), Duration> {
        let key = if self.has_room() { name } else { EVERYBODY_ELSE };
        self.limiter
            .check_key(&key.to_owned())
            .map_err(|refused| refused.wait_time_from(self.clock.now()))
    }

    /// Whether a name may be added, if need be after those that have not started anything lately
    /// were forgotten.
    fn has_room(&self) -> bool {
        if self.limiter.len() < MAX_NAMES {
            return true;
        }
        self.limiter.retain_recent();
        self.limiter.len() < MAX_NAMES
    }
}

/// How often one may start: by role, where the role has a limit of its own.
#[derive(Debug)]
pub struct StartLimits {
    everybody: RateLimit,
    by_role: HashMap<String, RateLimit>,
}

impl StartLimits {
    /// `starts_per_minute` for the roles of `policy` that say nothing else.
    #[must_use]
    pub fn new(starts_per_minute: NonZeroU32, policy: &Policy) -> Self {
        let own = |role: &Role| {
            let limit = NonZeroU32::new(role.starts_per_minute()?)?;
            Some((role.name().to_owned(), RateLimit::new(limit)))
        };
        let by_role = policy.roles().filter_map(own).collect();
        Self { everybody: RateLimit::new(starts_per_minute), by_role }
    }

    /// Counts a start by `name`, who has `role`.
    ///
    /// # Errors
    /// When it has started enough for now: how long to wait before the next try.
    pub fn check(&self, name: &str, role: &str) -> Result<(), Duration> {
        self.by_role.get(role).unwrap_or(&self.everybody).check(name)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use crate::config::{RolesConfig, parse_role};

    use super::*;

    fn limiter(starts_per_minute: u32) -> (RateLimit<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let starts_per_minute = NonZeroU32::new(starts_per_minute).unwrap();
        (RateLimit::with_clock(starts_per_minute, clock.clone()), clock)
    }

    #[test]
    fn so_many_starts_a_minute_and_no_more() {
        let (limiter, clock) = limiter(30);
        for _ in 0..30 {
            limiter.check("ci").unwrap();
        }
        assert_eq!(limiter.check("ci"), Err(Duration::from_secs(2)));
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(limiter.check("ci"), Err(Duration::from_millis(500)));
        clock.advance(Duration::from_millis(500));
        limiter.check("ci").unwrap();
        assert!(limiter.check("ci").is_err());
    }

    #[test]
    fn each_name_has_a_count_of_its_own() {
        let (limiter, _clock) = limiter(1);
        limiter.check("a").unwrap();
        limiter.check("b").unwrap();
        assert!(limiter.check("a").is_err());
    }

    #[test]
    fn a_refused_start_does_not_count() {
        let (limiter, clock) = limiter(1);
        limiter.check("ci").unwrap();
        for _ in 0..10 {
            assert_eq!(limiter.check("ci"), Err(Duration::from_secs(60)));
        }
        clock.advance(Duration::from_secs(60));
        limiter.check("ci").unwrap();
    }

    #[test]
    fn the_table_is_bounded_and_forgets() {
        let (limiter, clock) = limiter(1);
        for n in 0..MAX_NAMES {
            limiter.check(&format!("name {n}")).unwrap();
        }
        limiter.check("one more").unwrap();
        assert!(limiter.check("and another").is_err(), "they share a count");
        assert_eq!(limiter.limiter.len(), MAX_NAMES + 1);
        // A count is forgotten one minute after it is full again.
        clock.advance(Duration::from_secs(121));
        limiter.check("one more").unwrap();
        limiter.check("and another").unwrap();
        assert_eq!(limiter.limiter.len(), 2);
    }

    #[test]
    fn a_role_may_have_a_limit_of_its_own() {
        let mut config = RolesConfig::default();
        let rules = ["start".to_owned(), "starts-per-minute 1".to_owned()];
        config.roles.insert("slow".to_owned(), parse_role(&rules).unwrap());
        let policy = Policy::new(&config).unwrap();
        let limits = StartLimits::new(NonZeroU32::new(2).unwrap(), &policy);
        limits.check("a", "slow").unwrap();
        assert!(limits.check("a", "slow").is_err());
        for _ in 0..2 {
            limits.check("b", "user").unwrap();
        }
        assert!(limits.check("b", "user").is_err());
    }

    #[test]
    fn any_rate_is_possible() {
        let (limiter, _clock) = limiter(u32::MAX);
        for _ in 0..1_000 {
            limiter.check("bench").unwrap();
        }
    }
}
