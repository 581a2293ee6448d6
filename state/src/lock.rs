//! Who holds a lock, in the words and the file format of Terraform.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::model::TERRAFORM_VERSION;

/// What a lock says of its holder. The JSON is Terraform's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub struct LockInfo {
    /// Names this very lock.
    #[serde(rename = "ID")]
    pub id: String,
    /// What it is held for: `OperationTypeApply`.
    pub operation: String,
    /// More about that.
    pub info: String,
    /// `user@host`
    pub who: String,
    /// The version of the program.
    pub version: String,
    /// When it was taken, by RFC 3339.
    pub created: String,
    /// What is locked.
    pub path: String,
}

impl LockInfo {
    /// A lock of this user on this host, for an operation in Terraform's words (`OperationTypePlan`).
    pub fn new(operation: &str) -> Self {
        let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map_or(String::new(), |u| u.name);
        let host = nix::unistd::gethostname().map_or(String::new(), |h| h.to_string_lossy().into_owned());
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            operation: operation.into(),
            info: job(|name| std::env::var(name).ok()),
            who: format!("{user}@{host}"),
            version: TERRAFORM_VERSION.into(),
            created: rfc3339(SystemTime::now()),
            path: String::new(),
        }
    }
}

/// What runs here: the command, and the address of the CI job, if this is one.
fn job(env: impl Fn(&str) -> Option<String>) -> String {
    let set = |name: &str| env(name).filter(|v| !v.is_empty());
    let github = || Some(format!("{}/{}/actions/runs/{}", set("GITHUB_SERVER_URL")?, set("GITHUB_REPOSITORY")?, set("GITHUB_RUN_ID")?));
    // Other services that run jobs give the address in one variable.
    let other = || ["CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL"].into_iter().find_map(set);
    github().or_else(other).map(|address| format!("CI job {address}")).unwrap_or_default()
}

impl fmt::Display for LockInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Go prints a time as "2006-01-02 15:04:05.9 +0000 UTC".
        let created = match self.created.strip_suffix('Z') {
            Some(utc) => format!("{} +0000 UTC", utc.replacen('T', " ", 1)),
            None => self.created.clone(),
        };
        writeln!(f, "Lock Info:")?;
        writeln!(f, "  ID:        {}", self.id)?;
        writeln!(f, "  Path:      {}", self.path)?;
        writeln!(f, "  Operation: {}", self.operation)?;
        writeln!(f, "  Who:       {}", self.who)?;
        writeln!(f, "  Version:   {}", self.version)?;
        writeln!(f, "  Created:   {created}")?;
        writeln!(f, "  Info:      {}", self.info)
    }
}

/// A time in UTC as Go writes it: no trailing zeros in the fraction.
fn rfc3339(t: SystemTime) -> String {
    let since = t.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, secs) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    let mut out = format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60);
    if since.subsec_nanos() > 0 {
        out.push_str(format!(".{:09}", since.subsec_nanos()).trim_end_matches('0'));
    }
    out.push('Z');
    out
}

/// The date of a day counted from 1970-01-01, by eras of 400 years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + u64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_as_go_writes_them() {
        for (secs, nanos, want) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (1_763_929_860, 120_000_000, "2025-11-23T20:31:00.12Z"),
            (4_102_444_799, 1, "2099-12-31T23:59:59.000000001Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::new(secs, nanos)), want);
        }
    }

    #[test]
    fn a_job_is_known_by_its_address() {
        let github = |n: &str| {
            let values = [("GITHUB_SERVER_URL", "https://github.com"), ("GITHUB_REPOSITORY", "a/b"), ("GITHUB_RUN_ID", "7")];
            values.iter().find(|(k, _)| *k == n).map(|(_, v)| (*v).to_string())
        };
        assert_eq!(job(github), "CI job https://github.com/a/b/actions/runs/7");
        assert_eq!(job(|n| (n == "CI_JOB_URL").then(|| "https://g/1".into())), "CI job https://g/1");
        assert_eq!(job(|_| None), "");
    }

    #[test]
    fn a_lock_is_shown_as_terraform_shows_it() {
        let info = LockInfo {
            id: "1".into(),
            operation: "OperationTypeApply".into(),
            created: "2025-11-23T20:31:00.12Z".into(),
            path: "terraform.tfstate".into(),
            version: "1.11.4".into(),
            who: "root@h".into(),
            info: String::new(),
        };
        let want = "Lock Info:\n  ID:        1\n  Path:      terraform.tfstate\n  Operation: OperationTypeApply\n  Who:       root@h\n  Version:   1.11.4\n  Created:   2025-11-23 20:31:00.12 +0000 UTC\n  Info:      \n";
        assert_eq!(info.to_string(), want);
        let json = r#"{"ID":"1","Operation":"OperationTypeApply","Info":"","Who":"root@h","Version":"1.11.4","Created":"2025-11-23T20:31:00.12Z","Path":"terraform.tfstate"}"#;
        assert_eq!(serde_json::to_string(&info).unwrap(), json);
    }
}
