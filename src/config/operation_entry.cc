#include "config/operation_entry.h"

namespace weir::config {

Value<LogEntry> log_value() {
  const Value<RotateEntry> rotate =
      Record<RotateEntry>("rotate", "When a log file is put aside, and how many are kept.")
          .optional("size", &RotateEntry::size_bytes, size_value(4096, 0),
                    "The file is renamed to FILE.1, that one to FILE.2 and so on, before it grows "
                    "longer than this.",
                    "64MB")
          .optional("keep", &RotateEntry::keep, integer_value(0, 1000),
                    "How many files that were put aside are kept.", "5")
          .value();
  return Record<LogEntry>("log",
                          "The log of `weir up`. What a run has to say is kept with the run: "
                          "`weir logs RUN`.")
      .optional("level", &LogEntry::level,
                choice_value<log::Level>({{"debug", log::Level::debug},
                                          {"info", log::Level::info},
                                          {"warning", log::Level::warning},
                                          {"error", log::Level::error}}),
                "The least that is logged. `weir up --verbose` is debug.", "warning")
      .optional(
          "format", &LogEntry::format,
          choice_value<log::Format>({{"text", log::Format::text}, {"json", log::Format::json}}),
          "text, or one JSON object per line with time, level, message and, where it is "
          "about a run, run and pipeline.",
          "json")
      .optional("file", &LogEntry::file, text_value("a path"),
                "A file to log to instead of standard error, relative to the project's folder. "
                "Only its owner may read it.",
                "log/weir.log")
      .optional("rotate", &LogEntry::rotate, rotate,
                "When the file is put aside, and how many are kept.", "{size: 64MB, keep: 5}")
      .value();
}

Value<AdminEntry> admin_value() {
  const Value<Located<std::string>> listen =
      text_value("a port or ADDRESS:PORT, e.g. 127.0.0.1:9464");
  const Value<AdminEntry> full =
      Record<AdminEntry>("admin", "Where `weir up` answers /metrics, /healthz and /readyz.")
          .required("listen", &AdminEntry::listen, listen,
                    "A port of this machine (127.0.0.1), or address and port; port 0 is any that "
                    "is free. Nothing asks for a password there.",
                    "127.0.0.1:9464")
          .value();
  return with_short_form<AdminEntry, Located<std::string>>(
      full, listen, [](Located<std::string> text, const YamlNode&, Reader&) {
        return std::optional<AdminEntry>(AdminEntry{std::move(text)});
      });
}

}  // namespace weir::config
