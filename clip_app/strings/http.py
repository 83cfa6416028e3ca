"""What callers of the HTTP API are told."""

STRINGS: dict[str, tuple[str, str]] = {
    "http_unknown": (
        "There is nothing at this address; /v1/docs lists what there is.",
        "这个地址没有对应的接口，全部接口见 /v1/docs。",
    ),
    "http_method": (
        "This address is not asked in this way; /v1/docs says how.",
        "这个地址不支持这种请求方法，用法见 /v1/docs。",
    ),
    "http_malformed": (
        "This request cannot be understood; /v1/docs says what it should look like.",
        "无法理解这个请求，正确的写法见 /v1/docs。",
    ),
    "http_value": (
        "The value “{value}” is of the wrong kind; /v1/docs says what it should be.",
        "参数“{value}”的类型不对，正确的类型见 /v1/docs。",
    ),
    "http_value_missing": (
        "The value “{value}” is missing; /v1/docs lists the values.",
        "缺少参数“{value}”，全部参数见 /v1/docs。",
    ),
    "http_value_unknown": (
        "There is no value “{value}” here; /v1/docs lists the values.",
        "这里没有参数“{value}”，可用的参数见 /v1/docs。",
    ),
    "http_value_file": (
        "The value “{value}” came as a file; send it as text.",
        "参数“{value}”是以文件形式发送的，请改为直接发送文字。",
    ),
    "http_slow": (
        "This request stopped coming for {seconds} seconds; please send it again.",
        "请求体中断超过 {seconds} 秒，请重新发送。",
    ),
    "http_value_twice": (
        "The value “{value}” is one in the address and another in the body; send one of them.",
        "参数“{value}”在网址和请求体中的值不一致，请只保留一处。",
    ),
    "http_content_type": (
        "A body of the type “{given}” cannot be read; send JSON, a form, or a picture.",
        "无法读取类型为“{given}”的请求体，请发送 JSON、表单或图片。",
    ),
    "http_content_type_needed": (
        "Say in the header Content-Type what the body is, for example application/json or "
        "image/jpeg.",
        "请用 Content-Type 标头说明请求体的类型，例如 application/json 或 image/jpeg。",
    ),
    "http_encoding": (
        "A body with the Content-Encoding “{given}” cannot be read; send it as it is.",
        "无法读取 Content-Encoding 为“{given}”的请求体，请不要压缩，直接发送。",
    ),
    "http_nothing_to_embed": (
        "Please send at least one photograph (“image” or “images”) or one text (“texts”).",
        "请至少发送一张照片（“image”或“images”）或一条文本（“texts”）。",
    ),
    "http_image_form": (
        "An image in JSON must be a data URL (data:image/jpeg;base64,…) or an address; in a form, "
        "it is a file, which curl sends as image=@cat.jpg.",
        "JSON 中的图片应为 data URL（data:image/jpeg;base64,…）或网址；表单中的图片应为文件，"
        "用 curl 时写作 image=@cat.jpg。",
    ),
    "http_image_images": (
        "Send one photograph as “image” or several as “images”, not both.",
        "一张照片用“image”，多张照片用“images”，两者不能同时使用。",
    ),
    "http_image_base64": (
        "The Base64 of this image is broken.",
        "这张图片的 Base64 数据有误，无法解码。",
    ),
    "http_key_needed": (
        "This API asks for a key: Authorization: Bearer KEY.",
        "访问此接口需要密钥：Authorization: Bearer 密钥。",
    ),
    "http_too_large": (
        "This request is larger than {limit} MB, which is the limit.",
        "请求体超过了 {limit} MB 的上限。",
    ),
    "http_image_large": (
        "The picture at this address is larger than {limit} MB, which is the limit.",
        "这个网址上的图片超过了 {limit} MB 的上限。",
    ),
    "http_images_large": (
        "The pictures of this request are larger than {limit} MB together, which is the limit.",
        "这次请求的图片总共超过了 {limit} MB 的上限。",
    ),
    "http_fetching_long": (
        "This picture was not fetched within the {seconds} seconds that one request has for all.",
        "没能在一次请求的下载时限（共 {seconds} 秒）内下载到这张图片。",
    ),
    "http_too_often": (
        "Too many requests; please come again in [seconds:a second|{seconds} seconds].",
        "请求过于频繁，请在 {seconds} 秒后再试。",
    ),
    "http_busy": (
        "There is more to do just now than fits; please come again in a second.",
        "服务器正忙，请稍后再试。",
    ),
    "http_ending": (
        "The app is being stopped; please ask again once it is back.",
        "应用正在停止，请等它恢复后再试。",
    ),
    "http_not_public": (
        "Only pictures at public addresses are fetched.",
        "只能下载公网地址上的图片。",
    ),
    "http_not_fetched": (
        "No picture could be fetched from this address.",
        "无法从这个网址下载图片。",
    ),
    "http_no_addresses": (
        "This server fetches no pictures from addresses; send the picture itself.",
        "此服务器不会从网址下载图片，请直接发送图片。",
    ),
}
