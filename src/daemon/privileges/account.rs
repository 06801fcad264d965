//! The account that the process becomes.

use std::ffi::CString;

use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, initgroups, setgid, setgroups, setuid};

use super::PrivilegeError;

/// A user with his group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    name: String,
    uid: Uid,
    gid: Gid,
    /// Whether the machine knows the user by name, and so perhaps more groups of his.
    is_named: bool,
}

impl Account {
    /// Finds a user by name or number, and a group likewise, else that of the user. A number needs no entry on the machine.
    pub(super) fn find(user: &str, group: Option<&str>) -> Result<Self, PrivilegeError> {
        let number: Option<u32> = user.parse().ok();
        let looked_up = |result: Result<Option<User>, Errno>| {
            result.map_err(|source| PrivilegeError::Lookup { name: user.to_owned(), source })
        };
        let found = match (looked_up(User::from_name(user))?, number) {
            (Some(found), _) => Some(found),
            (None, Some(number)) => looked_up(User::from_uid(Uid::from_raw(number)))?,
            (None, None) => return Err(PrivilegeError::NoUser(user.to_owned())),
        };
        let group = group.map(find_group).transpose()?;
        match (found, number) {
            (Some(found), _) => {
                Ok(Self { gid: group.unwrap_or(found.gid), uid: found.uid, name: found.name, is_named: true })
            }
            // Containers number their users and name none.
            (None, Some(number)) => Ok(Self {
                name: user.to_owned(),
                uid: Uid::from_raw(number),
                gid: group.unwrap_or_else(|| Gid::from_raw(number)),
                is_named: false,
            }),
            (None, None) => Err(PrivilegeError::NoUser(user.to_owned())),
        }
    }

    /// Refuses what gives nothing up, and what this process cannot become.
    pub(super) fn judge(&self, is_root: bool) -> Result<(), PrivilegeError> {
        if self.uid.is_root() {
            return Err(PrivilegeError::Root(self.name.clone()));
        }
        if is_root || Uid::current() == self.uid {
            return Ok(());
        }
        Err(PrivilegeError::NotRoot { name: self.name.clone(), own: Uid::current().as_raw() })
    }

    /// Takes groups, group and user, in this order: the last step takes the right to the ones before. The C library does it
    /// for every thread.
    pub(super) fn become_it(&self) -> Result<(), PrivilegeError> {
        let refused = |step| move |error: Errno| PrivilegeError::Refused { step, source: error.into() };
        match CString::new(self.name.as_str()) {
            Ok(name) if self.is_named => initgroups(&name, self.gid),
            Ok(_) | Err(_) => setgroups(&[self.gid]),
        }
        .map_err(refused("taking the user's groups"))?;
        setgid(self.gid).map_err(refused("taking the user's group"))?;
        setuid(self.uid).map_err(refused("becoming the user"))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn uid(&self) -> u32 {
        self.uid.as_raw()
    }

    pub(super) const fn gid(&self) -> u32 {
        self.gid.as_raw()
    }
}

fn find_group(group: &str) -> Result<Gid, PrivilegeError> {
    let found = Group::from_name(group);
    let found = found.map_err(|source| PrivilegeError::Lookup { name: group.to_owned(), source })?;
    let number = || group.parse().ok().map(Gid::from_raw);
    found.map(|found| found.gid).or_else(number).ok_or_else(|| PrivilegeError::NoGroup(group.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_found_and_a_number_needs_no_entry() {
        let nobody = Account::find("nobody", None).unwrap();
        assert_eq!((nobody.name(), nobody.uid()), ("nobody", 65_534));
        assert_eq!(Account::find("65534", None).unwrap(), nobody);
        let daemon = Account::find("nobody", Some("daemon")).unwrap();
        assert_eq!((daemon.uid(), daemon.gid()), (65_534, 1));
        let numbered = Account::find("54321", None).unwrap();
        assert_eq!((numbered.uid(), numbered.gid(), numbered.is_named), (54_321, 54_321, false));
        assert_eq!(Account::find("54321", Some("7")).unwrap().gid(), 7);
    }

    #[test]
    fn strangers_and_root_are_refused_with_a_fix() {
        let stranger = Account::find("no-such-user", None).unwrap_err();
        assert_eq!(stranger.to_string(), "there is no user no-such-user");
        assert!(stranger.finding().to_string().contains("useradd --system"), "{}", stranger.finding());
        let group = Account::find("nobody", Some("no-such-group")).unwrap_err();
        assert_eq!(group.to_string(), "there is no group no-such-group");
        let root = Account::find("root", None).unwrap();
        assert!(matches!(root.judge(true), Err(PrivilegeError::Root(_))));
        let other = Account::find("54321", None).unwrap();
        assert!(matches!(other.judge(false), Err(PrivilegeError::NotRoot { .. })));
        assert!(other.judge(true).is_ok());
    }
}
