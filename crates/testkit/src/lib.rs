//! Simulators and throwaway servers.
