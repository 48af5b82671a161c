#include "config/schedule_entry.h"

#include "calendar/cron_text.h"
#include "calendar/zone.h"
#include "config/values.h"

namespace weir::config {
namespace {

/// Reports an error of the text at its own column, where the text stands as it is.
void report(const Error& error, const std::string& text, const YamlNode& node, Reader& reader) {
  const int column = error.location.column;
  const bool as_written = column > 0 && text == node.scalar;
  reader.error(as_written ? offset_location(node, static_cast<size_t>(column) - 1) : node.location,
               reader.subject() + ": " + error.message, error.fix);
}

template <class Check>
Value<Located<std::string>> checked_text(std::string type, Check check) {
  Value<Located<std::string>> out = text_value(std::move(type));
  out.read = [read = out.read, check](const YamlNode& node,
                                      Reader& reader) -> std::optional<Located<std::string>> {
    auto text = read(node, reader);
    if (!text) return std::nullopt;
    const auto sound = check(text->value);
    if (sound) return text;
    report(sound.error(), text->value, node, reader);
    return std::nullopt;
  };
  return out;
}

}  // namespace

Value<Located<std::string>> cron_value() {
  return checked_text("a cron expression",
                      [](const std::string& text) { return calendar::parse_cron(text); });
}

Value<Located<std::string>> zone_value() {
  return checked_text("a time zone such as Europe/Madrid",
                      [](const std::string& text) { return calendar::Zone::find(text); });
}

}  // namespace weir::config
