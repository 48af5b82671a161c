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
    std::vector<std::string> fields;
    for (std::string word; words >> word;) fields.push_back(word);
    if (fields.size() == 5) fields.insert(fields.begin(), "0");
    constexpr int lows[] = {0, 0, 0, 1, 1, 0}, highs[] = {59, 59, 23, 31, 12, 7};
    for (size_t i = 0; i < 6; ++i) {
      for (int value = 0; value < 60; ++value) {
        fits_[i][value] = in(fields[i], value, lows[i], highs[i]);
      }
    }
    fits_[5][0] = fits_[5][0] || fits_[5][7];
    whole_minutes_ = fields[0] == "0";
    wildcard_hours_ = fields[2].front() == '*';
    either_day_ = fields[3].front() != '*' && fields[5].front() != '*';
  }

  /// All fires in (from, to] in the zone that is set; both whole minutes when the seconds are 0.
  std::vector<int64_t> fires(int64_t from, int64_t to) const {
    return walk({*this}, from, to).front();
  }

  /// The same of several, in one walk.
  static std::vector<std::vector<int64_t>> walk(const std::vector<SlowSchedule>& schedules,
                                                int64_t from, int64_t to) {
    int64_t step = 60;
    for (const SlowSchedule& each : schedules) step = each.whole_minutes_ ? step : 1;
    std::vector<std::vector<int64_t>> out(schedules.size());
    // Local time as seconds since 1970 on the clock; the latest that was shown so far.
    int64_t latest = clock_of(from - 86400);
    for (int64_t at = from - 86400 + step; at <= to; at += step) {
      const int64_t clock = clock_of(at);
      for (size_t i = 0; i < schedules.size(); ++i) {
        bool fires = false;
        if (schedules[i].wildcard_hours_) {
          fires = schedules[i].matches(clock);
        } else {
          for (int64_t passed = latest + step; passed <= clock; passed += step) {
            fires = fires || schedules[i].matches(passed);
          }
        }
        if (fires && at > from) out[i].push_back(at);
      }
      latest = std::max(latest, clock);
    }
    return out;
  }

 private:
  static int64_t clock_of(int64_t at) {
    const std::tm local = LibraryZone::local(at);
    return at + local.tm_gmtoff;
  }

  bool matches(int64_t clock) const {
    const int64_t second = (clock % 86400 + 86400) % 86400;
    if (!fits_[0][second % 60] || !fits_[1][second / 60 % 60] || !fits_[2][second / 3600]) {
      return false;
    }
    const std::time_t time = clock;
    std::tm shown{};
    gmtime_r(&time, &shown);
    if (!fits_[4][shown.tm_mon + 1]) return false;
    const bool by_month = fits_[3][shown.tm_mday];
    const bool by_week = fits_[5][shown.tm_wday];
    return either_day_ ? by_month || by_week : by_month && by_week;
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

  bool fits_[6][60] = {};
  bool whole_minutes_ = true, wildcard_hours_ = false, either_day_ = false;
};

}  // namespace weir::calendar
