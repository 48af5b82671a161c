#pragma once

// An independent, slow reading of the rules: it knows no calendar and no zone files of its own,
// walks second by second or minute by minute over the C library's local time, and looks at each.

#include <cstdlib>
#include <ctime>
#include <sstream>
#include <string>
#include <vector>

namespace weir::calendar {

/// The C library's clocks of one zone, for as long as this lives. One at a time.
class LibraryZone {
 public:
  explicit LibraryZone(const std::string& name) {
    if (const char* before = std::getenv("TZ")) before_ = before;
    setenv("TZ", name.c_str(), 1);
    tzset();
  }
  ~LibraryZone() {
    before_.empty() ? unsetenv("TZ") : setenv("TZ", before_.c_str(), 1);
    tzset();
  }
  LibraryZone(const LibraryZone&) = delete;
  LibraryZone& operator=(const LibraryZone&) = delete;

  static std::tm local(int64_t second) {
    const std::time_t time = second;
    std::tm out{};
    localtime_r(&time, &out);
    return out;
  }

 private:
  std::string before_;
};

/// Five or six fields of `*`, numbers, ranges, steps and lists, matched by looking at the text.
class SlowSchedule {
 public:
  explicit SlowSchedule(const std::string& expression) {
    std::istringstream words(expression);
    for (std::string word; words >> word;) fields_.push_back(word);
    if (fields_.size() == 5) fields_.insert(fields_.begin(), "0");
  }

  /// All fires in (from, to] in the zone that is set; both whole minutes when the seconds are 0.
  std::vector<int64_t> fires(int64_t from, int64_t to) const {
    const int64_t step = fields_[0] == "0" ? 60 : 1;
    std::vector<int64_t> out;
    // Local time as seconds since 1970 on the clock; the latest that was shown so far.
    int64_t latest = clock_of(from - 86400);
    for (int64_t at = from - 86400 + step; at <= to; at += step) {
      const int64_t clock = clock_of(at);
      bool fires = false;
      if (fields_[2].front() == '*') {
        fires = matches(clock);
      } else {
        for (int64_t passed = latest + step; passed <= clock; passed += step) {
          fires = fires || matches(passed);
        }
      }
      latest = std::max(latest, clock);
      if (fires && at > from) out.push_back(at);
    }
    return out;
  }

 private:
  static int64_t clock_of(int64_t at) {
    const std::tm local = LibraryZone::local(at);
    return at + local.tm_gmtoff;
  }

  bool matches(int64_t clock) const {
    const std::time_t time = clock;
    std::tm shown{};
    gmtime_r(&time, &shown);
    if (!in(fields_[0], shown.tm_sec, 0, 59) || !in(fields_[1], shown.tm_min, 0, 59) ||
        !in(fields_[2], shown.tm_hour, 0, 23) || !in(fields_[4], shown.tm_mon + 1, 1, 12)) {
      return false;
    }
    const bool by_month = in(fields_[3], shown.tm_mday, 1, 31);
    const bool by_week =
        in(fields_[5], shown.tm_wday, 0, 7) || (shown.tm_wday == 0 && in(fields_[5], 7, 0, 7));
    const bool either = fields_[3].front() != '*' && fields_[5].front() != '*';
    return either ? by_month || by_week : by_month && by_week;
  }

  static bool in(const std::string& field, int value, int low, int high) {
    std::istringstream items(field);
    for (std::string item; std::getline(items, item, ',');) {
      int from = low, to = high, step = 1;
      if (const size_t slash = item.find('/'); slash != std::string::npos) {
        step = std::stoi(item.substr(slash + 1));
        item.resize(slash);
      }
      if (item != "*") {
        from = to = std::stoi(item);
        if (const size_t dash = item.find('-'); dash != std::string::npos) {
          to = std::stoi(item.substr(dash + 1));
        }
      }
      if (value >= from && value <= to && (value - from) % step == 0) return true;
    }
    return false;
  }

  std::vector<std::string> fields_;
};

}  // namespace weir::calendar
