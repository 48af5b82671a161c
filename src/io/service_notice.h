#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace weir::io {

/// Tells the service manager that started this process, e.g. systemd with Type=notify: "READY=1",
/// "STOPPING=1", "WATCHDOG=1", "STATUS=…", one assignment per line (sd_notify(3)). Nothing happens
/// when nobody listens ($NOTIFY_SOCKET is not set); false when the message could not be sent.
bool tell_service_manager(std::string_view state);

/// How often the service manager wants to hear "WATCHDOG=1" at least; none: it does not.
std::optional<std::chrono::microseconds> watchdog_limit();

}  // namespace weir::io
