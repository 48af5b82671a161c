#include "config/resolve.h"

namespace weir::config {
namespace {

void resolve_log(Resolving& resolving) {
  const LogEntry& entry = resolving.entry.log;
  log::Settings& settings = resolving.project.log;
  settings.level = entry.level.value;
  settings.format = entry.format.value;
  settings.rotate_bytes = entry.rotate.size_bytes.value;
  settings.keep = static_cast<int>(entry.rotate.keep.value);
  if (!entry.file.given()) return;
  const std::filesystem::path file = entry.file.value;
  if (!file.has_filename()) {
    resolving.reader.error(entry.file.location, "'file' of 'log' names no file",
                           "write e.g. weir.log");
    return;
  }
  settings.file = (resolving.project.root / file).lexically_normal().string();
}

void resolve_admin(Resolving& resolving) {
  if (!resolving.entry.admin) return;
  const Located<std::string>& listen = resolving.entry.admin->listen;
  if (!listen.given()) return;
  auto address = parse_listen_address(listen.value);
  if (!address) {
    resolving.reader.error(listen.location, "'" + listen.value + "' is no address to listen on",
                           "write a port, 127.0.0.1:PORT or [::1]:PORT; a host's name will not do");
    return;
  }
  if (!address->loopback()) {
    resolving.reader.warning(listen.location,
                             "whoever reaches " + address->to_string() +
                                 " may read the metrics: nothing asks for a password there",
                             "listen on 127.0.0.1, or see to it that only your monitoring gets in");
  }
  resolving.project.admin = std::move(address);
}

}  // namespace

void resolve_operations(Resolving& resolving) {
  resolve_log(resolving);
  resolve_admin(resolving);
}

}  // namespace weir::config
