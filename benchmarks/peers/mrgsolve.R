# The same subjects, doses and outputs as benchmarks/peers: two compartments, daily IgG, by mrgsolve.
#   Rscript mrgsolve.R PARAMETERS.csv OUT.csv     (PARAMETERS.csv: CL, V1, Q, V2, BASE, one subject a line)
# Prints one line of JSON: seconds a subject in closed form (PKMODEL) and by its ODE solver, best of three, compiling not
# counted. OUT.csv gets the closed form's levels, so that the caller can see that the same was computed.
arguments <- commandArgs(trailingOnly = TRUE)
if (!suppressMessages(requireNamespace("mrgsolve", quietly = TRUE))) { cat('{"missing": "mrgsolve"}\n'); quit() }
suppressMessages(library(mrgsolve))
subjects <- read.csv(arguments[1])
subjects$ID <- seq_len(nrow(subjects))
parameters <- "$PARAM CL = 0.2, V1 = 3, Q = 0.5, V2 = 2, BASE = 4\n"
output <- "$TABLE capture IGG = CENT / V1 + BASE;\n"
closed <- mcode("closed", paste0(parameters, "$PKMODEL ncmt = 2, depot = FALSE\n$CMT CENT PERIPH\n", output), quiet = TRUE)
ode <- mcode("ode", paste0(parameters, "$CMT CENT PERIPH\n$ODE\n",
  "dxdt_CENT = -(CL + Q) / V1 * CENT + Q / V2 * PERIPH;\ndxdt_PERIPH = Q / V1 * CENT - Q / V2 * PERIPH;\n", output), quiet = TRUE)
doses <- ev(amt = 35, cmt = 1, ii = 21, addl = 17)
run <- function(model) mrgsim_ei(model, doses, subjects, end = 364, delta = 1, obsonly = TRUE, recsort = 3, output = "df")
best <- function(model) { run(model); min(replicate(3, system.time(run(model))[["elapsed"]])) / nrow(subjects) }
write.csv(matrix(run(closed)$IGG, nrow = nrow(subjects), byrow = TRUE), arguments[2], row.names = FALSE)
cat(sprintf('{"closed_s": %.9f, "ode_s": %.9f, "version": "%s", "r": "%s"}\n',
  best(closed), best(ode), packageVersion("mrgsolve"), getRversion()))
