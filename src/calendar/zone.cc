#include "calendar/zone.h"

#include <date/tz.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>

#include "base/edit_distance.h"
#include "calendar/posix_rule.h"

namespace weir::calendar {
namespace {

/// Where the date library looks, too.
constexpr const char* zone_folder = "/usr/share/zoneinfo/";

/// The rule after the table of a zone file: its last line.
std::optional<PosixRule> rule_of_file(const std::string& name) {
  std::ifstream file(zone_folder + name, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!bytes.starts_with("TZif") || bytes.size() < 2 || bytes.back() != '\n') return std::nullopt;
  bytes.pop_back();
  const size_t begin = bytes.rfind('\n');
  if (begin == std::string::npos) return std::nullopt;
  return PosixRule::parse(std::string_view(bytes).substr(begin + 1));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

/// "did you mean …": in another case, the city alone, blanks for underscores, or a slip.
std::string suggest(std::string_view word, const std::vector<std::string>& names) {
  std::string wanted = lower(word);
  std::ranges::replace(wanted, ' ', '_');
  const auto quoted = [](std::string_view name) {
    return "did you mean '" + std::string(name) + "'?";
  };
  std::vector<std::string> folded;
  for (const std::string& name : names) folded.push_back(lower(name));
  for (size_t i = 0; i < names.size(); ++i) {
    if (folded[i] == wanted) return quoted(names[i]);
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (folded[i].ends_with("/" + wanted)) return quoted(names[i]);
  }
  const std::vector<std::string_view> views(folded.begin(), folded.end());
  if (const auto near = nearest(wanted, views)) {
    const auto at = std::ranges::find(folded, *near);
    return quoted(names[static_cast<size_t>(at - folded.begin())]);
  }
  return "write an IANA name, continent and city: Europe/Madrid";
}

}  // namespace

struct Zone::Data {
  std::string name = "UTC";
  const date::time_zone* zone = nullptr;  // the library's, for as long as the process lives
  std::optional<PosixRule> rule;          // after the zone's table
};

Zone::Zone() {
  static const auto utc = std::make_shared<const Data>();
  data_ = utc;
}

Zone::Zone(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

Result<Zone> Zone::find(std::string_view name) {
  if (name == "UTC") return Zone();
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const Data>, std::less<>> found;
  const std::lock_guard lock(mutex);
  if (const auto known = found.find(name); known != found.end()) return Zone(known->second);
  const std::vector<std::string> names = zone_names();
  if (!std::ranges::binary_search(names, name)) {
    const std::string message = "there is no time zone '" + std::string(name.substr(0, 60)) + "'";
    if (names.size() <= 1) {
      return fail(ErrorCode::invalid_project, message + ": this machine has no zone files",
                  std::string("install tzdata, which fills ") + zone_folder);
    }
    return fail(ErrorCode::invalid_project, message, suggest(name, names));
  }
  try {
    auto data = std::make_shared<Data>();
    data->name = name;
    data->zone = date::locate_zone(data->name);
    data->zone->get_info(date::sys_seconds{});  // reads the file
    data->rule = rule_of_file(data->name);
    found.emplace(data->name, data);
    return Zone(std::move(data));
  } catch (const std::exception& problem) {
    return fail(ErrorCode::invalid_project,
                "the time zone '" + std::string(name) + "' cannot be read: " + problem.what(),
                "install tzdata again");
  }
}

const std::string& Zone::name() const { return data_->name; }

ZoneSegment Zone::segment_at(sys_seconds time) const {
  if (data_->zone == nullptr) return {};
  // Beyond these years the library's own arithmetic has no room left.
  static constexpr sys_seconds first = std::chrono::sys_days(std::chrono::year(-9999) / 1 / 1);
  static constexpr sys_seconds last = std::chrono::sys_days(std::chrono::year(20000) / 1 / 1);
  const sys_seconds asked = std::clamp(time, first, last);
  const date::sys_info info = data_->zone->get_info(date::sys_seconds(asked.time_since_epoch()));
  ZoneSegment segment{sys_seconds(info.begin.time_since_epoch()),
                      sys_seconds(info.end.time_since_epoch()), info.offset};
  const bool behind_table = segment.end > last;
  if (segment.begin < first) segment.begin = sys_seconds::min();
  if (!behind_table) return segment;
  segment.end = sys_seconds::max();
  if (!data_->rule) return segment;
  const ZoneSegment ruled = data_->rule->segment_at(asked);
  if (ruled.begin > segment.begin || segment.begin == sys_seconds::min()) return ruled;
  segment.end = ruled.end;
  return segment;
}

std::vector<std::string> zone_names() {
  std::vector<std::string> names = {"UTC"};
  try {
    for (const date::time_zone& zone : date::get_tzdb().zones) names.push_back(zone.name());
  } catch (const std::exception&) {  // no zone files: there is UTC
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace weir::calendar
