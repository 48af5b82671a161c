// Any text as an expression: an error points into it; what parses fires in order, the same
// forwards and backwards, also years away and on the days on which clocks change.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "calendar/schedule.h"

namespace weir::calendar {
namespace {

constexpr const char* zones[] = {
    "UTC",           "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe",
    "Europe/Madrid", "Pacific/Apia"};

void walk(const Schedule& schedule, Timestamp from) {
  Timestamp at = from;
  for (int i = 0; i < 5; ++i) {
    const auto next = schedule.next(at);
    if (!next) return;
    WEIR_CHECK(*next > at, "the next fire is later");
    const auto back = schedule.previous(*next + std::chrono::microseconds(1));
    WEIR_CHECK(back == next, "a fire is the previous one of the moment behind it");
    const auto before = schedule.previous(*next);
    WEIR_CHECK(!before || *before <= at, "there is no fire in between");
    at = *next;
  }
}

}  // namespace
}  // namespace weir::calendar

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  using namespace weir::calendar;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto expression = parse_cron(text);
  if (!expression) {
    const int column = expression.error().location.column;
    WEIR_CHECK(column >= 1 && static_cast<size_t>(column) <= text.size() + 1,
               "an error points into the expression");
    WEIR_CHECK(!expression.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  const auto zone = Zone::find(zones[data[0] % std::size(zones)]);
  const Schedule schedule(*expression, zone ? *zone : Zone());
  // 2018-11-03, a day before São Paulo's midnight is missing and New York goes back; Apia's
  // missing day; far away; before every clock.
  for (const int64_t second :
       {1541203200LL, 1325116800LL, 1772841600LL, 7000000000LL, -50000000000LL}) {
    walk(schedule, Timestamp(std::chrono::seconds(second)));
  }
  return 0;
}
