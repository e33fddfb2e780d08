"""Model files of known networks in the formats of Darknet, Caffe and Ultralytics, written from the papers' tables."""


def section(kind, **settings):
    return "\n".join([f"[{kind}]", *(f"{key.rstrip('_')}={value}" for key, value in settings.items()), ""])


def darknet(*sections, size=416):
    return "\n".join([section("net", batch=1, width=size, height=size, channels=3, momentum=0.9), *sections])


def dconv(filters, size, stride=1, activation="leaky"):
    return section(
        "convolutional",
        batch_normalize=1,
        filters=filters,
        size=size,
        stride=stride,
        pad=1,
        activation=activation,
    )


def darknet53_body(activation="leaky"):
    yield dconv(32, 3, activation=activation)
    for c, repeats in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        yield dconv(c, 3, 2, activation)
        for _ in range(repeats):
            yield dconv(c // 2, 1, 1, activation)
            yield dconv(c, 3, 1, activation)
            yield section("shortcut", from_=-3, activation="linear")


def yolov3():
    def parts():
        yield "# three scales on Darknet-53"
        yield from darknet53_body()
        for c, other in ((512, None), (256, 61), (128, 36)):
            if other:
                yield section("route", layers=-4)
                yield dconv(c, 1)
                yield section("upsample", stride=2)
                yield section("route", layers=f"-1, {other}")
            for _ in range(3):
                yield dconv(c, 1)
                yield dconv(2 * c, 3)
            yield section("convolutional", size=1, stride=1, pad=1, filters=255, activation="linear")
            yield section("yolo", mask="0,1,2", classes=80, num=9)

    return darknet(*parts())


def darknet53():
    return darknet(
        *darknet53_body(),
        section("avgpool"),
        section("convolutional", filters=1000, size=1, stride=1, pad=1, activation="linear"),
        section("softmax", groups=1),
        size=256,
    )


def resnet50_darknet():
    def parts():
        yield dconv(64, 7, 2, "relu")
        yield section("maxpool", size=2, stride=2)
        for i, (c, repeats) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
            for j in range(repeats):
                yield dconv(c, 1, 1, "relu")
                yield dconv(c, 3, 2 if i and not j else 1, "relu")
                yield dconv(4 * c, 1, 1, "linear")
                if j:
                    yield section("shortcut", from_=-4, activation="relu")
                else:  # a projection from what the block begins with, and their sum
                    yield section("route", layers=-4)
                    yield dconv(4 * c, 1, 2 if i else 1, "linear")
                    yield section("shortcut", from_=-3, activation="relu")
        yield section("avgpool")
        yield section("connected", output=1000, activation="linear")

    return darknet(*parts(), size=224)


def yolov3_tiny():
    def parts():
        for i, c in enumerate((16, 32, 64, 128, 256, 512)):
            yield dconv(c, 3)
            yield section("maxpool", size=2, stride=1 if i == 5 else 2)
        yield dconv(1024, 3)
        yield dconv(256, 1)
        yield dconv(512, 3)
        yield section("convolutional", size=1, stride=1, pad=1, filters=255, activation="linear")
        yield section("yolo", classes=80)
        yield section("route", layers=-4)
        yield dconv(128, 1)
        yield section("upsample", stride=2)
        yield section("route", layers="-1, 8")
        yield dconv(256, 3)
        yield section("convolutional", size=1, stride=1, pad=1, filters=255, activation="linear")
        yield section("yolo", classes=80)

    return darknet(*parts())


class Prototxt:
    """A prototxt, layer by layer; what a layer makes is the next one's input."""

    def __init__(self, size, old=False):
        self.text = [f'name: "net"\ninput: "data"\ninput_shape {{ dim: 10 dim: 3 dim: {size} dim: {size} }}']
        self.last, self.number, self.old = "data", 0, old

    def add(self, kind, param="", bottoms=None, in_place=False):
        self.number += 1
        bottoms = bottoms or [self.last]
        top = bottoms[0] if in_place else f"blob{self.number}"
        said = " ".join(f'bottom: "{one}"' for one in bottoms)
        word, kind = ("layers", kind.upper()) if self.old else ("layer", f'"{kind}"')
        self.text.append(f'{word} {{ name: "layer{self.number}" type: {kind} {said} top: "{top}"\n  {param} }}')
        self.last = top
        return top

    def conv(self, c, k, s=1, p=0, g=1, bottom=None, bias=True):
        more = "" if bias else " bias_term: false"
        param = f"convolution_param {{ num_output: {c} kernel_size: {k} stride: {s} pad: {p} group: {g}{more} }}"
        return self.add("Convolution", param, [bottom] if bottom else None)

    def relu(self):
        return self.add("ReLU", in_place=True)

    def pool(self, k, s, p=0, kind="MAX", bottom=None):
        param = f"pooling_param {{ pool: {kind} kernel_size: {k} stride: {s} pad: {p} }}"
        return self.add("Pooling", param, [bottom] if bottom else None)

    def fc(self, n):
        kind = "Inner_Product" if self.old else "InnerProduct"
        return self.add(kind, f"inner_product_param {{ num_output: {n} }}")

    def normed(self, c, k, s=1, p=0, bottom=None):
        self.conv(c, k, s, p, bottom=bottom, bias=False)
        self.add("BatchNorm", "batch_norm_param { use_global_stats: true }", in_place=True)
        return self.add("Scale", "scale_param { bias_term: true }", in_place=True)

    def __str__(self):
        return "\n".join(self.text)


def alexnet():
    net = Prototxt(227)
    for c, k, s, p, g, after in (
        (96, 11, 4, 0, 1, "np"),
        (256, 5, 1, 2, 2, "np"),
        (384, 3, 1, 1, 1, ""),
        (384, 3, 1, 1, 2, ""),
        (256, 3, 1, 1, 2, "p"),
    ):
        net.conv(c, k, s, p, g)
        net.relu()
        if "n" in after:
            net.add("LRN", "lrn_param { local_size: 5 alpha: 1e-4 beta: 0.75 }")
        if "p" in after:
            net.pool(3, 2)
    for n in (4096, 4096):
        net.fc(n)
        net.relu()
        net.add("Dropout", "dropout_param { dropout_ratio: 0.5 }", in_place=True)
    net.fc(1000)
    net.add("Softmax")
    return str(net)


def vgg16(old=False):
    net = Prototxt(224, old)
    for c, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(repeats):
            net.conv(c, 3, 1, 1)
            net.relu()
        net.pool(2, 2)
    for n in (4096, 4096):
        net.fc(n)
        net.relu()
    net.fc(1000)
    net.add("Softmax")
    return str(net)


GOOGLENET = (
    (64, 96, 128, 16, 32, 32),
    (128, 128, 192, 32, 96, 64),
    (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),
    (256, 160, 320, 32, 128, 128),
    (384, 192, 384, 48, 128, 128),
)
"""Table 1 of the paper: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj."""


def googlenet():
    net = Prototxt(224)

    def conv(*args, **named):
        net.conv(*args, **named)
        return net.relu()

    conv(64, 7, 2, 3)
    net.pool(3, 2)
    net.add("LRN", "lrn_param { local_size: 5 }")
    conv(64, 1)
    conv(192, 3, 1, 1)
    net.add("LRN", "lrn_param { local_size: 5 }")
    net.pool(3, 2)
    for i, (a, b3, b, c5, c, d) in enumerate(GOOGLENET):
        x = net.last
        one = conv(a, 1, bottom=x)
        conv(b3, 1, bottom=x)
        three = conv(b, 3, 1, 1)
        conv(c5, 1, bottom=x)
        five = conv(c, 5, 1, 2)
        net.pool(3, 1, 1, bottom=x)
        net.add("Concat", bottoms=[one, three, five, conv(d, 1)])
        if i in (1, 6):
            net.pool(3, 2)
    net.pool(7, 1, kind="AVE")
    net.add("Dropout", in_place=True)
    net.fc(1000)
    net.add("Softmax")
    return str(net)


def resnet50():
    net = Prototxt(224)
    net.normed(64, 7, 2, 3)
    net.relu()
    net.pool(3, 2)
    for i, (c, repeats) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for j in range(repeats):
            x, stride = net.last, 2 if i and not j else 1
            net.normed(c, 1, stride, bottom=x)
            net.relu()
            net.normed(c, 3, 1, 1)
            net.relu()
            main = net.normed(4 * c, 1)
            shortcut = x if j else net.normed(4 * c, 1, stride, bottom=x)
            net.add("Eltwise", bottoms=[shortcut, main])
            net.relu()
    net.pool(7, 1, kind="AVE")
    net.fc(1000)
    net.add("Softmax")
    return str(net)


def rows(*given):
    return "\n".join(f"  - {row}" for row in given)


def yolov5(depth="0.33", width="0.50"):
    up = '1, nn.Upsample, [None, 2, "nearest"]]'
    backbone = ["[-1, 1, Conv, [64, 6, 2, 2]]"]
    for c, n in ((128, 3), (256, 6), (512, 9), (1024, 3)):
        backbone += [f"[-1, 1, Conv, [{c}, 3, 2]]", f"[-1, {n}, C3, [{c}]]"]
    backbone += ["[-1, 1, SPPF, [1024, 5]]"]
    head = []
    for c, other in ((512, 6), (256, 4)):
        head += [f"[-1, 1, Conv, [{c}, 1, 1]]", f"[-1, {up}", f"[[-1, {other}], 1, Concat, [1]]"]
        head += [f"[-1, 3, C3, [{c}, False]]"]
    for c, other in ((256, 14), (512, 10)):
        head += [f"[-1, 1, Conv, [{c}, 3, 2]]", f"[[-1, {other}], 1, Concat, [1]]", f"[-1, 3, C3, [{2 * c}, False]]"]
    head += ["[[17, 20, 23], 1, Detect, [nc, anchors]]"]
    anchors = rows("[10,13, 16,30, 33,23]", "[30,61, 62,45, 59,119]", "[116,90, 156,198, 373,326]")
    return (
        f"nc: 80  # classes\ndepth_multiple: {depth}\nwidth_multiple: {width}\n"
        f"anchors:\n{anchors}\nbackbone:\n{rows(*backbone)}\nhead:\n{rows(*head)}\n"
    )


SCALES = {"n": "0.33, 0.25, 1024", "s": "0.33, 0.50, 1024", "m": "0.67, 0.75, 768", "l": "1.0, 1.0, 512"}
SCALES["x"] = "1.0, 1.25, 512"


def yolov8():
    backbone = ["[-1, 1, Conv, [64, 3, 2]]"]
    for c, n in ((128, 3), (256, 6), (512, 6), (1024, 3)):
        backbone += [f"[-1, 1, Conv, [{c}, 3, 2]]", f"[-1, {n}, C2f, [{c}, True]]"]
    backbone += ["[-1, 1, SPPF, [1024, 5]]"]
    head = []
    for c, other in ((512, 6), (256, 4)):
        head += ['[-1, 1, nn.Upsample, [None, 2, "nearest"]]', f"[[-1, {other}], 1, Concat, [1]]"]
        head += [f"[-1, 3, C2f, [{c}]]"]
    for c, other in ((256, 12), (512, 9)):
        head += [f"[-1, 1, Conv, [{c}, 3, 2]]", f"[[-1, {other}], 1, Concat, [1]]", f"[-1, 3, C2f, [{2 * c}]]"]
    head += ["[[15, 18, 21], 1, Detect, [nc]]"]
    scales = "\n".join(f"  {name}: [{values}]" for name, values in SCALES.items())
    return f"nc: 80\nscales:\n{scales}\nbackbone:\n{rows(*backbone)}\nhead:\n{rows(*head)}\n"
