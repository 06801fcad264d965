//! What one thread gives up: Linux keeps capabilities and their limits for each.

use std::io;

use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capability_is_in_bounding_set, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

use super::PrivilegeError;

/// Closes the ways to more rights: programs get none by a set-user-ID bit or by capabilities of their files, and root also
/// leaves no capability that could be had at all.
pub(super) fn close(is_root: bool) -> Result<(), PrivilegeError> {
    if is_root {
        empty_bounding_set().map_err(refused("giving up capabilities for good"))?;
    }
    set_no_new_privs(true).map_err(refused("`no_new_privs`"))
}

/// Gives up every capability, also those that programs would inherit.
pub(super) fn empty() -> Result<(), PrivilegeError> {
    let none = CapabilitySet::empty();
    clear_ambient_capability_set().map_err(refused("giving up ambient capabilities"))?;
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .map_err(refused("giving up capabilities"))
}

fn empty_bounding_set() -> Result<(), Errno> {
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match capability_is_in_bounding_set(capability) {
            Ok(true) => remove_capability_from_bounding_set(capability)?,
            Ok(false) => {}
            // The kernel knows no further ones.
            Err(_) => break,
        }
    }
    Ok(())
}

fn refused(step: &'static str) -> impl Fn(Errno) -> PrivilegeError {
    move |error| PrivilegeError::Refused { step, source: io::Error::from(error) }
}
