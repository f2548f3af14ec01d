"""linearmodels: two-stage least squares with robust errors."""

import time

from benchmarks.libraries._worker import main


def fit_predict(learner, mode, problem):
    import numpy as np
    from linearmodels.iv import IV2SLS

    start = time.process_time()
    X = np.column_stack([np.ones(len(problem["y"])), problem["X"]])
    model = IV2SLS(problem["y"], X, problem["treatment"], problem["instrument"])
    result = model.fit(cov_type="robust")
    seconds = time.process_time() - start
    value, error = result.params.iloc[-1], result.std_errors.iloc[-1]
    return [float(value), float(error)], seconds, ""


if __name__ == "__main__":
    main("linearmodels", fit_predict)
