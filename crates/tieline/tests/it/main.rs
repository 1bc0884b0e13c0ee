//! Black-box tests: the program over HTTP on a free port, with a database of its own.

mod api_frame;
mod api_frame_access;
mod api_frame_resources;
mod api_frame_server;
