#pragma once

#include "cli/presenter.h"
#include "doctor/finding.h"

namespace weir::cli {

/// Findings as `rows` frames: check, verdict, found, fix. False: nobody reads any more.
bool send_findings(const doctor::Findings& findings, owner::FrameSink& sink);

/// All findings, `first` and those that frames bring. An answer that fails is a finding, too.
/// A problem among them: failed.
std::unique_ptr<Presenter> make_doctor_presenter(OutputFormat format, Output& output,
                                                 doctor::Findings first);

}  // namespace weir::cli
