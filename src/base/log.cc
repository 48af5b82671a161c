#include "base/log.h"

#include <fcntl.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/redaction.h"

namespace weir::log {
namespace {

struct Field {
  std::string name;
  std::string value;
};

thread_local std::vector<Field> fields;

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

struct Target {
  std::shared_ptr<spdlog::logger> logger;
  Format format = Format::text;
};

Target make_target(spdlog::sink_ptr sink, Level level, Format format) {
  Target target{std::make_shared<spdlog::logger>("weir", std::move(sink)), format};
  const char* pattern = format == Format::json ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v";
  target.logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  target.logger->set_level(to_spdlog(level));
  target.logger->flush_on(spdlog::level::trace);  // who follows the file sees each line at once
  return target;
}

Target& target() {
  static Target instance = make_target(std::make_shared<spdlog::sinks::stderr_color_sink_mt>(),
                                       Level::warning, Format::text);
  return instance;
}

/// What a log line quotes (a key, a value) must not begin a line of its own or steer a terminal.
std::string text_line(std::string_view message) {
  std::string out;
  for (const char c : message) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) {
      out += c;
    } else {
      out += c == '\n' || c == '\t' ? " " : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  for (const Field& field : fields) out += fmt::format(" {}={}", field.name, field.value);
  return out;
}

std::string json_line(Level level, std::string_view message) {
  std::string out =
      fmt::format(R"({{"time":"{}","level":"{}","message":{})",
                  format_timestamp(SystemClock().now()), to_string(level), json_quoted(message));
  for (const Field& field : fields) {
    out += fmt::format(",{}:{}", json_quoted(field.name), json_quoted(field.value));
  }
  return out + '}';
}

/// The file is made before spdlog opens it: others must not read it, not even while it is empty.
void make_private(const std::string& path) {
  const int made = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (made < 0) return;  // spdlog tries again, and says why
  static_cast<void>(::fchmod(made, 0600));
  ::close(made);
}

}  // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  return "error";
}

void start(Level level) { target().logger->set_level(to_spdlog(level)); }

Result<void> start(const Settings& settings) {
  spdlog::sink_ptr sink;
  if (settings.file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  } else {
    std::error_code told_when_opened;
    std::filesystem::create_directories(std::filesystem::path(settings.file).parent_path(),
                                        told_when_opened);
    spdlog::file_event_handlers handlers;
    handlers.before_open = make_private;
    try {
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
          settings.file, static_cast<size_t>(std::max<uint64_t>(settings.rotate_bytes, 1)),
          static_cast<size_t>(std::max(settings.keep, 0)), false, handlers);
    } catch (const spdlog::spdlog_ex& problem) {
      return fail(ErrorCode::io, fmt::format("cannot log to {}: {}", settings.file, problem.what()),
                  "`log: file:` names a file that this user may write");
    }
  }
  target() = make_target(std::move(sink), settings.level, settings.format);
  return {};
}

bool enabled(Level level) { return target().logger->should_log(to_spdlog(level)); }

void write(Level level, std::string_view line) {
  if (!enabled(level)) return;
  const Target& to = target();
  const std::string safe = redact(std::string(line));  // before it is encoded: the form stays whole
  to.logger->log(to_spdlog(level), "{}",
                 to.format == Format::json ? json_line(level, safe) : text_line(safe));
}

With::With(std::string_view name, std::string value) {
  fields.push_back({std::string(name), redact(std::move(value))});
}
With::~With() { fields.pop_back(); }

}  // namespace weir::log
