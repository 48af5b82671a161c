#include "runlog/outbox.h"

#include <algorithm>

#include "runlog/run_history.h"
#include "runlog/run_log_sql.h"
#include "runlog/run_rows.h"

namespace weir::runlog {
namespace {

Result<void> append_notices(Query& query, size_t limit, std::vector<Notice>& notices) {
  while (notices.size() < limit && WEIR_TRY(query.next())) {
    Notice& notice = notices.emplace_back();
    notice.id = query.text(0);
    notice.run = RunId(std::string(query.text(1)));
    notice.pipeline = PipelineName(std::string(query.text(2)));
    notice.step = static_cast<int>(query.integer(3));
    notice.body = query.text(4);
    notice.tries = static_cast<int>(query.integer(5));
    notice.created = to_time(query.integer(6));
  }
  return {};
}

/// The row of the notice's run.
Result<int64_t> run_of(SqliteConnection& connection, const std::string& id) {
  Query query = WEIR_TRY(connection.query(sql::find_notice));
  query.bind(std::string_view(id));
  if (!WEIR_TRY(query.next())) return fail(ErrorCode::not_found, "there is no notice " + id);
  return query.integer(0);
}

}  // namespace

Result<void> add_notice(SqliteConnection& connection, int64_t number, const Notice& notice,
                        Timestamp now) {
  return connection.run(sql::insert_notice, notice.id, number, int64_t{notice.step}, notice.body,
                        to_integer(now));
}

Result<std::vector<Notice>> due_notices(SqliteConnection& connection, Timestamp now, size_t limit) {
  std::vector<Notice> notices;
  const auto bound =
      static_cast<int64_t>(std::min<size_t>(limit, std::numeric_limits<int64_t>::max()));
  for (const char* statement : {sql::due_notices, sql::notices_after_now}) {
    Query query = WEIR_TRY(connection.query(statement));
    query.bind(to_integer(now)).bind(bound);
    WEIR_TRY(append_notices(query, limit, notices));
  }
  return notices;
}

Result<std::optional<Timestamp>> next_notice_due(SqliteConnection& connection, Timestamp now) {
  std::optional<Timestamp> due;
  {
    Query query = WEIR_TRY(connection.query(sql::next_notice_due));
    if (WEIR_TRY(query.next())) due = std::max(now, to_time(query.integer(0)));
  }
  if (!due || *due == now) return due;
  Query query = WEIR_TRY(connection.query(sql::notice_held_after_now));
  query.bind(to_integer(now));
  if (WEIR_TRY(query.next())) return now;
  return due;
}

Result<void> hold_notice(SqliteConnection& connection, const std::string& id, Timestamp now,
                         Timestamp not_before, const LogLine& line) {
  const int64_t number = WEIR_TRY(run_of(connection, id));
  WEIR_TRY(connection.run(sql::hold_notice, to_integer(not_before), to_integer(now),
                          std::string_view(id)));
  return add_log_line(connection, number, line);
}

Result<void> give_up_notice(SqliteConnection& connection, const std::string& id,
                            const LogLine& line) {
  const int64_t number = WEIR_TRY(run_of(connection, id));
  WEIR_TRY(connection.run(sql::delete_notice, std::string_view(id)));
  return add_log_line(connection, number, line);
}

}  // namespace weir::runlog
