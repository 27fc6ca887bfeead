/* Trains exclusive or from C with libdlg alone: cc xor.c -ldlg && ./a.out xor.cl */
#include <dlg.h>
#include <stdio.h>

static const float x[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, y[4] = {0, 1, 1, 0};

int main(int argc, char **argv) {
    dlg_device *dev = NULL;
    dlg_program *net = NULL;
    float loss = 1, out[4] = {0};
    int failed = 1;

    if (argc != 2 || dlg_device_open(&dev, NULL) < 0) goto done;
    if (dlg_program_load_file(&net, dev, argv[1], NULL) < 0) goto done;
    if (dlg_set(net, "x", x, sizeof x) < 0 || dlg_set(net, "y", y, sizeof y) < 0) goto done;
    for (int step = 0; step < 2000; step++)
        if (dlg_run(net, "train") < 0) goto done;
    if (dlg_run(net, "predict") < 0 || dlg_get(net, "out", out, sizeof out) < 0) goto done;
    if (dlg_get(net, "loss", &loss, sizeof loss) < 0) goto done;
    for (int i = 0; i < 4; i++) printf("%g xor %g = %.3f\n", x[i][0], x[i][1], out[i]);
    printf("loss %.6f\n", loss);
    failed = !(loss < 0.01f);
done:
    if (failed) fprintf(stderr, "xor: %s\n", dlg_error_text(dev));
    dlg_program_close(net);
    dlg_device_close(dev);
    return failed;
}
