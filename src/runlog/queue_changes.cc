#include "runlog/queue_changes.h"

#include <algorithm>

#include "runlog/run_log_sql.h"

namespace weir::runlog {

Result<bool> may_run_without_object(SqliteConnection& connection, int64_t pipeline) {
  Query rule = WEIR_TRY(connection.query(sql::most_without_object));
  rule.bind(pipeline);
  int64_t room = WEIR_TRY(rule.next()) ? rule.integer(0) : 1;
  Query running = WEIR_TRY(connection.query(sql::running_without_object));
  running.bind(pipeline);
  while (room > 0 && WEIR_TRY(running.next())) --room;
  return room > 0;
}

Result<std::optional<int64_t>> QueueChanges::ready_priority(int64_t pipeline, bool without_object) {
  Query query = WEIR_TRY(connection_.query(sql::ready_priority));
  query.bind(pipeline).bind(int64_t{without_object});
  if (!WEIR_TRY(query.next())) return std::nullopt;
  return query.integer(0);
}

Result<std::optional<int64_t>> QueueChanges::top_of(int64_t pipeline) {
  const auto with_object = WEIR_TRY(ready_priority(pipeline, false));
  const auto without = WEIR_TRY(ready_priority(pipeline, true));
  if (!without || !WEIR_TRY(may_run_without_object(connection_, pipeline))) return with_object;
  return std::max(with_object, without);
}

Result<void> QueueChanges::write_tops() {
  for (const int64_t pipeline : touched_) {
    WEIR_TRY(connection_.run(sql::set_top, WEIR_TRY(top_of(pipeline)), pipeline));
  }
  touched_.clear();
  return {};
}

Result<void> QueueChanges::write() {
  WEIR_TRY(write_tops());
  for (size_t state = 0; state < delta_.size(); ++state) {
    if (delta_[state] == 0) continue;
    WEIR_TRY(connection_.run(sql::adjust_count, delta_[state], static_cast<int64_t>(state)));
    delta_[state] = 0;
  }
  return {};
}

}  // namespace weir::runlog
