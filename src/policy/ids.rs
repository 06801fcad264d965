//! The ids of what depends on decisions, each valid within one setup.

crate::row_id! {
    /// Numbers a pool.
    PoolId
}

crate::row_id! {
    /// Numbers a host whose addresses follow health.
    HostId
}

crate::row_id! {
    /// Numbers a name that follows a service.
    FollowId
}
