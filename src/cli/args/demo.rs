//! The arguments of `demo`.

use std::net::SocketAddr;

use clap::Args;

use crate::keys::values;

use super::shared::DEFAULT_SERVER;

/// `demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Do it all without a keyboard and print each answer as it changes
    #[arg(long)]
    pub script: bool,
    /// Where to answer
    #[arg(long, value_name = "ADDR:PORT", value_parser = demo_address, default_value = "127.0.0.1:5300")]
    pub listen: SocketAddr,
}

fn demo_address(text: &str) -> Result<SocketAddr, String> {
    values::socket_text(text, DEFAULT_SERVER.port()).map_err(|wanted| format!("it takes {wanted}"))
}
