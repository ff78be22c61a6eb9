//! Stories through the deployed functions, on the running stack: the three workflows from end to
//! end, a crowd, and another Bot API server. The corners have a target of their own.

mod crowd;
mod other_server;
mod workflows;
