// Stops an application that has had no job for its idle timeout, by a timer of its own on the service clock.
#pragma once
#include "os/clock.h"
#include "services/emr_serverless/records.h"
#include "timers/timers.h"

namespace mekong::emr_serverless {

inline constexpr const char* timer_owner = "emr-serverless";

// The timer as the record wants it: replaced where it may stop, taken away where it may not.
void set_idle_stop(const Application& application, timers::Change& change);

// What the timer does. Jobs that have not ended keep the application; the end of the last one sets it anew.
Status stop_when_idle(const Records& records, const os::Clock& clock, const timers::Timer& timer,
                      timers::Change& change);

}  // namespace mekong::emr_serverless
