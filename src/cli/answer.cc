#include "cli/answer.h"

namespace weir::cli {

Result<void> answer(const owner::Request& request, Services& services, owner::FrameSink& sink) {
  if (request.verb == "run") return answer_run(request.args, services, sink);
  if (request.verb == "retry") return answer_retry(request.args, services, sink);
  if (request.verb == "runs") return answer_runs(request.args, services, sink);
  if (request.verb == "logs") return answer_logs(request.args, services, sink);
  if (request.verb == "top") return answer_top(request.args, services, sink);
  if (request.verb == "query") return answer_query(request.args, services, sink);
  if (request.verb == "plan") return answer_plan(request.args, services, sink);
  if (request.verb == "drift") return answer_drift(request.args, services, sink);
  if (request.verb == "rejects") return answer_rejects(request.args, services, sink);
  if (request.verb == "replay") return answer_replay(request.args, services, sink);
  if (request.verb == "why") return answer_why(request.args, services, sink);
  if (request.verb == "doctor") return answer_doctor(request.args, services, sink);
  if (request.verb == "key") return answer_key(request.args, services, sink);
  return fail(ErrorCode::usage, "the owner knows no verb '" + request.verb + "'");
}

}  // namespace weir::cli
