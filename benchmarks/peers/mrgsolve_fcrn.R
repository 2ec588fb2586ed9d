# IgG under an FcRn blocker by mrgsolve's ODE solver: the model, dose and outputs of benchmarks/kinetics_ode.py.
#   Rscript mrgsolve_fcrn.R PARAMETERS.csv OUT.csv     (one subject a line, columns as in $PARAM below)
# Prints one line of JSON: seconds a subject, best of three, compiling not counted. OUT.csv gets the levels of IgG, one
# subject a line, so that the caller can see that the same was computed.
arguments <- commandArgs(trailingOnly = TRUE)
if (!suppressMessages(requireNamespace("mrgsolve", quietly = TRUE))) { cat('{"missing": "mrgsolve"}\n'); quit() }
suppressMessages(library(mrgsolve))
subjects <- read.csv(arguments[1])
subjects$ID <- seq_len(nrow(subjects))
code <- "
$PARAM V = 1, Q = 1, V2 = 1, CLA = 1, KD = 1, FCRN = 1, KDEG = 1, BASE = 10, KOUT = 0.1, EMAX = 1, EC50 = 1
$CMT TOTAL OUTSIDE IGG
$MAIN
IGG_0 = BASE;
$ODE
double target = FCRN * V;
double both = KD * V + TOTAL + target;
double bound = 2 * TOTAL * target / (both + sqrt(both * both - 4 * TOTAL * target));
double drug = (TOTAL - bound) / V;
double across = Q * (drug - OUTSIDE / V2);
dxdt_TOTAL = -CLA * drug - KDEG * bound - across;
dxdt_OUTSIDE = across;
dxdt_IGG = KOUT * (BASE - IGG * (1 + EMAX * drug / (drug + EC50)));
"
model <- update(mcode("fcrn", code, quiet = TRUE), rtol = 1e-7, atol = 1e-6)
dose <- ev(amt = 525, cmt = 1)
run <- function() mrgsim_ei(model, dose, subjects, end = 70, delta = 1, obsonly = TRUE, recsort = 3, output = "df")
invisible(run())
taken <- min(replicate(3, { before <- proc.time(); run(); spent <- proc.time() - before; spent[["user.self"]] + spent[["sys.self"]] }))
write.csv(matrix(run()$IGG, nrow = nrow(subjects), byrow = TRUE), arguments[2], row.names = FALSE)
cat(sprintf('{"ode_s": %.9f, "version": "%s", "r": "%s"}\n', taken / nrow(subjects), packageVersion("mrgsolve"), getRversion()))
