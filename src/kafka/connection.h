// One client connection: frames in, answers out, in order. Knows the login rules, not the APIs.
#pragma once
#include "base/task.h"
#include "kafka/cluster.h"
#include "os/net.h"

namespace mekong::kafka {

inline constexpr size_t kFrameMaxBeforeLogin = 256 << 10;
inline constexpr size_t kFrameMax = 100 << 20;               // MSK Serverless: largest request
inline constexpr int64_t kLoginTimeoutMs = 30'000;           // between two reads before the login
inline constexpr int64_t kIdleTimeoutMs = 10LL * 60 * 1000;  // connections.max.idle.ms
inline constexpr int64_t kCloseDelayMs = 100;                // connection.failed.authentication.delay.ms

// Ends when the client goes, misbehaves, fails to log in, or the connection is closed. Started on its
// executor.
Task<void> serve_connection(Cluster& cluster, os::ConnectionPtr connection);

}  // namespace mekong::kafka
